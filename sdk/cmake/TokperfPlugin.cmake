# SPDX-License-Identifier: Apache-2.0 OR MIT
#[[
How a tokperf plugin is built. The same function serves tokperf's own tree and, through
find_package(tokperf), everybody else's:

    find_package(tokperf REQUIRED)
    tokperf_add_plugin(NAME acme SOURCES acme.c FRAGMENT plugin.yaml)

tokperf_add_plugin(NAME name SOURCES file... FRAGMENT file [LIBS target...] [KIND kind] [FIXTURES dir])

  NAME      the module is NAME.so, the target is plugin_NAME; the fragment says `module: NAME.so`
  SOURCES   source files
  FRAGMENT  the registry fragment; it is put beside the module as NAME.yaml
  LIBS      libraries that the module needs
  KIND      with BUILD_TESTING: names the test plugin.KIND.NAME.check instead of plugin.NAME.check
  FIXTURES  with BUILD_TESTING: the directory that the test hands to `tokperf plugins check`

The module has no lib prefix and no SONAME, hides every symbol but tokperf_plugin_entry_v1, and
leaves no symbol undefined: a plugin reaches the host through the tables that it is given.

Where things go: in tokperf's build tree to lib/tokperf/plugins/1, in another build tree to the
current binary directory, and when installed to ${CMAKE_INSTALL_LIBDIR}/tokperf/plugins/1.
]]
include_guard(GLOBAL)

set(TOKPERF_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/tokperf-plugin.map)

# -z defs would refuse the symbols that clang's sanitizers leave to the executable.
function(_tokperf_plugin_may_leave_symbols out)
  get_directory_property(options COMPILE_OPTIONS)
  string(FIND "${options} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" "-fsanitize" position)
  if(position GREATER -1 AND CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(${out} TRUE PARENT_SCOPE)
  else()
    set(${out} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(tokperf_add_plugin)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;FRAGMENT;KIND;FIXTURES" "SOURCES;LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tokperf_add_plugin: unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(needed NAME SOURCES FRAGMENT)
    if(NOT arg_${needed})
      message(FATAL_ERROR "tokperf_add_plugin: ${needed} is missing")
    endif()
  endforeach()
  include(GNUInstallDirs)
  set(target plugin_${arg_NAME})
  set(place ${CMAKE_CURRENT_BINARY_DIR})
  if(TOKPERF_PLUGIN_BUILD_DIR)
    set(place ${TOKPERF_PLUGIN_BUILD_DIR})
  endif()

  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE tokperf::sdk ${arg_LIBS})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${arg_NAME} PREFIX "" SUFFIX .so NO_SONAME ON
    LIBRARY_OUTPUT_DIRECTORY ${place}
    C_STANDARD 17 C_STANDARD_REQUIRED ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON LINK_DEPENDS ${TOKPERF_PLUGIN_MAP})
  target_link_options(${target} PRIVATE LINKER:--version-script=${TOKPERF_PLUGIN_MAP})
  _tokperf_plugin_may_leave_symbols(lenient)
  if(NOT lenient)
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  if(COMMAND tkp_warnings)
    tkp_warnings(${target})
  endif()

  configure_file(${arg_FRAGMENT} ${place}/${arg_NAME}.yaml COPYONLY)
  set(installed ${CMAKE_INSTALL_LIBDIR}/tokperf/plugins/1)
  install(TARGETS ${target} LIBRARY DESTINATION ${installed})
  install(FILES ${place}/${arg_NAME}.yaml DESTINATION ${installed})
  _tokperf_plugin_test(${target} "${arg_KIND}" "${arg_NAME}" "${arg_FIXTURES}")
endfunction()

# Lets `tokperf plugins check` be a test of every plugin.
function(_tokperf_plugin_test target kind name fixtures)
  if(NOT BUILD_TESTING)
    return()
  endif()
  if(TARGET tokperf)
    set(program tokperf)
  elseif(TARGET tokperf::tokperf)
    set(program tokperf::tokperf)
  else()
    return()
  endif()
  set(test plugin.${name}.check)
  if(kind)
    set(test plugin.${kind}.${name}.check)
  endif()
  set(arguments $<TARGET_FILE:${target}>)
  if(fixtures)
    get_filename_component(fixtures ${fixtures} ABSOLUTE)
    list(APPEND arguments --fixtures ${fixtures})
  endif()
  add_test(NAME ${test} COMMAND ${program} plugins check ${arguments})
  set_tests_properties(${test} PROPERTIES LABELS plugin TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()
