# SPDX-License-Identifier: Apache-2.0
# cmake -DRUNNER=.. -DPLUGIN=.. -DEXPECT=regex -P: the runner must end with 1 and say what is wrong.
execute_process(COMMAND ${RUNNER} ${PLUGIN} --timeout-ms 3000 --call-timeout-ms 1000
  OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE code)
message(STATUS "${output}${errors}")
if(NOT code EQUAL 1)
  message(FATAL_ERROR "expected exit code 1, got ${code}")
endif()
if(NOT output MATCHES "FAIL [^\n]*${EXPECT}")
  message(FATAL_ERROR "no line FAIL says: ${EXPECT}")
endif()
