# SPDX-License-Identifier: Apache-2.0
# How tests are declared. Unit tests sit in tests/unit, and the folder they test registers them.

# What ThreadSanitizer is not to look at: libraries that are not built with it.
function(tkp_sanitizer_options test)
  if(TOKPERF_SANITIZE_THREAD)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
      "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.supp")
  endif()
endfunction()

# tkp_unit_test(NAME LIBS libs... [THREADS]): builds tests/unit/NAME_test.c and adds it as test
# unit.NAME. THREADS labels it for the run under ThreadSanitizer, whose build has no other. A time limit ends what hangs, on
# however slow a machine; none is part of what a test says.
function(tkp_unit_test name)
  cmake_parse_arguments(arg "THREADS" "TIMEOUT" "LIBS;SOURCES" ${ARGN})
  if(NOT BUILD_TESTING OR (TOKPERF_SANITIZE_THREAD AND NOT arg_THREADS))
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name}_test ${PROJECT_SOURCE_DIR}/tests/unit/${name}_test.c ${arg_SOURCES})
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_link_libraries(${name}_test PRIVATE ${arg_LIBS} PkgConfig::CMOCKA Threads::Threads)
  target_compile_definitions(${name}_test PRIVATE
    TKP_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data" TKP_BUILD_DIR="${PROJECT_BINARY_DIR}")
  tkp_warnings(${name}_test)
  # cmocka's assertions do not return on failure, which the compiler cannot know
  target_compile_options(${name}_test PRIVATE -Wno-null-dereference)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME unit.${name} COMMAND ${name}_test)
  set_tests_properties(unit.${name} PROPERTIES
    LABELS "unit;$<$<BOOL:${arg_THREADS}>:threads>" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
  tkp_sanitizer_options(unit.${name})
endfunction()

# tkp_fuzz_target(NAME LIBS libs...): builds tests/fuzz/NAME_fuzz.c. With TOKPERF_FUZZ it is a
# libFuzzer program; otherwise a driver that replays tests/fuzz/corpus/NAME, added as test fuzz.NAME.
function(tkp_fuzz_target name)
  if(NOT BUILD_TESTING OR TOKPERF_SANITIZE_THREAD)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "LIBS;SOURCES" ${ARGN})
  add_executable(${name}_fuzz ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.c ${arg_SOURCES})
  target_link_libraries(${name}_fuzz PRIVATE ${arg_LIBS})
  tkp_warnings(${name}_fuzz)
  set_target_properties(${name}_fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if(TOKPERF_FUZZ)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_sources(${name}_fuzz PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
  add_test(NAME fuzz.${name} COMMAND ${name}_fuzz ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()
