# SPDX-License-Identifier: Apache-2.0
# tkp_exporter_test(NAME SOURCES file...): NAME_test.c with the plugin's own sources linked in, a
# host in memory and a sample run; the test plugin.exporter.NAME.
include_guard(GLOBAL)

function(tkp_exporter_test name)
  if(NOT BUILD_TESTING OR TOKPERF_SANITIZE_THREAD)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  set(target exporter_${name}_test)
  add_executable(${target} ${name}_test.c ${arg_SOURCES}
    ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/exporter_fixture.c ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/sample_run.c
    ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(${target} PRIVATE TOKPERF_PLUGIN_STATIC_NAME=exporter_plugin
    TKP_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  target_link_libraries(${target} PRIVATE tkp_plugin PkgConfig::CMOCKA)
  tkp_warnings(${target})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME plugin.exporter.${name} COMMAND ${target})
  set_tests_properties(plugin.exporter.${name} PROPERTIES LABELS plugin TIMEOUT 300)
endfunction()
