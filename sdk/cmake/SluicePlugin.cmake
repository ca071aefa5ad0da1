# SPDX-License-Identifier: Apache-2.0 sluice_add_plugin(NAME file SRCS a.cpp b.cpp [DEPS targets]
# [OUTPUT_DIRECTORY dir] [TEST_ARGS args] [NO_TEST])
#
# One plugin library: <build>/lib/sluice/plugins/<name>.so, which exports the entry of the ABI and nothing
# else. When tests are on, the conformance runner checks it as the test "<name>.conformance"; TEST_ARGS are
# its arguments, as "--config;topic=t". DEPS are static or system libraries; a plugin never links the worker.
function(sluice_add_plugin)
  cmake_parse_arguments(PLUGIN "NO_TEST" "NAME;OUTPUT_DIRECTORY" "SRCS;DEPS;TEST_ARGS" ${ARGN})
  if(NOT PLUGIN_NAME OR NOT PLUGIN_SRCS OR PLUGIN_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sluice_add_plugin(NAME x SRCS a.cpp ...): wrong arguments: ${ARGN}")
  endif()
  if(NOT PLUGIN_OUTPUT_DIRECTORY)
    set(PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/sluice/plugins)
  endif()
  set(target sluice_plugin_${PLUGIN_NAME})
  set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_exports.map)
  add_library(${target} MODULE ${PLUGIN_SRCS})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${PLUGIN_NAME} SUFFIX .so
    LIBRARY_OUTPUT_DIRECTORY ${PLUGIN_OUTPUT_DIRECTORY}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${exports})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${target} PRIVATE
    LINKER:--version-script=${exports} LINKER:--gc-sections LINKER:-z,nodelete)
  target_link_libraries(${target} PRIVATE sluice::sdk ${PLUGIN_DEPS})
  if(TARGET sluice_warnings)
    target_link_libraries(${target} PRIVATE sluice_warnings)
  endif()
  if(TARGET sluice::plugin_test AND NOT PLUGIN_NO_TEST AND NOT (DEFINED SLUICE_TESTS AND NOT SLUICE_TESTS))
    add_test(NAME ${PLUGIN_NAME}.conformance
      COMMAND sluice::plugin_test $<TARGET_FILE:${target}> ${PLUGIN_TEST_ARGS})
    set_tests_properties(${PLUGIN_NAME}.conformance PROPERTIES LABELS conformance TIMEOUT 120)
  endif()
endfunction()
