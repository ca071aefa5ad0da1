# SPDX-License-Identifier: Apache-2.0
# Installs the SDK to a temporary prefix, copies the template out of the tree, builds and tests it there.
# cmake -DBUILD=.. -DWORK=.. -DCOMPILER=.. -DFLAGS=.. -DGENERATOR=.. -P
function(step)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "failed with ${code}: ${ARGN}\n${output}")
  endif()
  message(STATUS "${output}")
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --component sdk)
file(COPY ${WORK}/prefix/share/sluice/template/ DESTINATION ${WORK}/project)
step(${CMAKE_COMMAND} -S ${WORK}/project -B ${WORK}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
  -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${FLAGS}")
step(${CMAKE_COMMAND} --build ${WORK}/build)
step(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/build --output-on-failure --no-tests=error)
step(${WORK}/prefix/bin/sluice-plugin-test ${WORK}/build/lib/sluice/plugins/ticker.so
  --config topic=ticks --config limit=2500 --expect-records 2500)
# Nothing of the tree may be needed: no path of it stands in what was installed.
file(GLOB_RECURSE installed ${WORK}/prefix/*.cmake ${WORK}/prefix/*.hpp ${WORK}/prefix/*.h)
foreach(name ${installed})
  file(READ ${name} text)
  string(FIND "${text}" "${SOURCE}/" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${name} names the source tree")
  endif()
endforeach()
file(REMOVE_RECURSE ${WORK})
