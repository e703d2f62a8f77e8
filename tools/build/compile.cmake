# SPDX-License-Identifier: Apache-2.0
# How every target of this tree is compiled: language level, visibility, warnings, sanitizers.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_compile_definitions(_GNU_SOURCE)

# Sanitizers hide less at -O1, whose code is made in half the time, and need lines alone of -g.
if(TOKPERF_SANITIZE_ADDRESS OR TOKPERF_SANITIZE_THREAD)
  add_compile_options(-O1 -g1)
endif()
if(TOKPERF_SANITIZE_ADDRESS)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TOKPERF_SANITIZE_THREAD)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
if(TOKPERF_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(TOKPERF_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# The program is optimized across its files; tests link the same objects as they are, which is faster.
set(tkp_lto OFF)
if(TOKPERF_LTO AND CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND
   NOT (TOKPERF_SANITIZE_ADDRESS OR TOKPERF_SANITIZE_THREAD OR TOKPERF_COVERAGE OR TOKPERF_FUZZ))
  set(tkp_lto ON)
  add_link_options(-fno-lto)
endif()
function(tkp_optimize_across target)
  if(tkp_lto)
    target_compile_options(${target} PRIVATE -flto=auto -ffat-lto-objects)
    target_link_options(${target} PRIVATE $<$<STREQUAL:$<TARGET_PROPERTY:${target},TYPE>,EXECUTABLE>:-flto=auto>)
  endif()
endfunction()

# tkp_warnings(TARGET): the warning set of this project; errors when TOKPERF_WERROR is on.
function(tkp_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wformat=2 -Wnull-dereference -Wundef -Wcast-qual -Wwrite-strings
    -Wswitch-enum $<$<BOOL:${TOKPERF_WERROR}>:-Werror>)
endfunction()

# tkp_library(NAME SOURCES... [LIBS libs...]): one static library per folder of core.
function(tkp_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;SYSTEM" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/core ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PUBLIC ${arg_LIBS} PRIVATE ${arg_SYSTEM})
  tkp_warnings(${name})
  tkp_optimize_across(${name})
endfunction()
