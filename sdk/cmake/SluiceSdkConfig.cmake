# SPDX-License-Identifier: Apache-2.0
# find_package(SluiceSdk): sluice::sdk (headers), sluice::testkit (fake host), sluice::plugin_test (conformance
# runner) and sluice_add_plugin().
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/SluiceSdkTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SluicePlugin.cmake)
