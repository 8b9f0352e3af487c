# The helpers with which each module says what it is:
#
#   mayfly_add_library(<part> SOURCES a.cpp... [PUBLIC_LINK lib...] [PRIVATE_LINK lib...] [NO_INSTALL])
#       target mayfly_<part>, alias mayfly::<part>, include/ as its public include folder, warnings; unless
#       NO_INSTALL it is installed with its headers and becomes component <part> of the CMake package.
#   mayfly_add_program(<name> SOURCES main.cpp... [LINK lib...])
#       executable <name>, warnings, installed into bin/.
#   mayfly_takes_plugins(<program>)
#       the program has all of the core in it, and exports it: a plugin links nothing of mayfly.
#   mayfly_add_plugin(<name> SOURCES x.cpp... [LINK lib...])
#       shared object <name>.so with handlers (<mayfly/plugin.hpp>) for such a program.
#   mayfly_add_test(<name> SOURCES x_test.cpp... [LINK lib...] [LABELS l...] [TIMEOUT seconds] [RUN_SERIAL]
#                   [NO_PCH] [ENVIRONMENT VAR=value...])
#       GoogleTest executable <name> (GTest::gmock_main linked); each of its tests becomes a test of ctest.
#       RUN_SERIAL is for tests that measure: no other test runs beside them. NO_PCH is for tests with compiler flags of
#       their own: the headers that MAYFLY_TEST_PCH parses once for all tests (tests/CMakeLists.txt) are not for them.
#   mayfly_add_example(<name> SOURCES x.cpp... [LINK lib...] [ARGS arg...] [OUTPUT regular-expression])
#       executable <name>; ctest runs it as example.<name>, which passes when it exits with 0 and prints OUTPUT.
#   mayfly_add_bench(<name> SOURCES x.cpp... [LINK lib...])
#       executable <name> with Google Benchmark.
#   mayfly_warnings(<target>)
#       the warnings our own code compiles without, errors under MAYFLY_WERROR.

include(GNUInstallDirs)

# Without -Wnon-virtual-dtor: it wants a virtual destructor in each class with a virtual function; -Wall already has
# -Wdelete-non-virtual-dtor, which speaks where one would be missed. GCC 12 at -O3 sees -Wrestrict in std::string's own
# operator+ (GCC bug 105329).
function(mayfly_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-align -Wcast-qual
    -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough -Wundef -Wextra-semi
    -Wredundant-decls -Wunused
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op>
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    $<$<CXX_COMPILER_ID:Clang>:-Wmissing-prototypes -Wunreachable-code-aggressive -Wthread-safety>
    $<$<BOOL:${MAYFLY_WERROR}>:-Werror>)
endfunction()

# Adds `package`, given as the arguments of find_dependency, to what component `part` needs when it is found.
function(_mayfly_note_dependencies part)
  foreach(library IN LISTS ARGN)
    if(library MATCHES "^mayfly(_|::)([a-z]+)$")
      set_property(GLOBAL APPEND PROPERTY MAYFLY_PARTS_OF_${part} ${CMAKE_MATCH_2})
    elseif(library MATCHES "^TBB::")
      set_property(GLOBAL APPEND PROPERTY MAYFLY_PACKAGES_OF_${part} "TBB COMPONENTS tbb")
    elseif(library MATCHES "^Boost::")
      set_property(GLOBAL APPEND PROPERTY MAYFLY_PACKAGES_OF_${part}
        "Boost ${MAYFLY_BOOST_VERSION} CONFIG COMPONENTS json")
    elseif(library MATCHES "^Libdeflate::")
      set_property(GLOBAL APPEND PROPERTY MAYFLY_PACKAGES_OF_${part} "Libdeflate")
    elseif(library MATCHES "^Threads::")
      set_property(GLOBAL APPEND PROPERTY MAYFLY_PACKAGES_OF_${part} "Threads")
    elseif(library MATCHES "::")
      message(FATAL_ERROR "mayfly_${part}: say in cmake/MayflyTargets.cmake which package has ${library}")
    endif()
  endforeach()
endfunction()

function(_mayfly_unify target)
  if(MAYFLY_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    target_compile_options(${target} PRIVATE -Wno-shadow)  # of a name that is another file's
  endif()
endfunction()

function(mayfly_add_library part)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_INSTALL" "" "SOURCES;PUBLIC_LINK;PRIVATE_LINK")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mayfly_add_library(${part}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target mayfly_${part})
  add_library(${target} ${arg_SOURCES})
  add_library(mayfly::${part} ALIAS ${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC_LINK} PRIVATE ${arg_PRIVATE_LINK})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${part} VERSION ${PROJECT_VERSION})
  if(MAYFLY_SCHEDULE_POINTS)
    target_compile_definitions(${target} PUBLIC MAYFLY_SCHEDULE_POINTS)
  endif()
  if(MAYFLY_MUTANTS)
    target_compile_definitions(${target} PUBLIC MAYFLY_MUTANTS)
  endif()
  mayfly_warnings(${target})
  _mayfly_unify(${target})
  if(arg_NO_INSTALL)
    return()
  endif()

  set_property(GLOBAL APPEND PROPERTY MAYFLY_PARTS ${part})
  _mayfly_note_dependencies(${part} ${arg_PUBLIC_LINK} ${arg_PRIVATE_LINK})
  if(MAYFLY_INSTALL)
    install(TARGETS ${target} EXPORT mayfly-${part}
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
  endif()
endfunction()

# mayfly::mayfly: everything a program that embeds us links.
function(mayfly_add_umbrella)
  get_property(parts GLOBAL PROPERTY MAYFLY_PARTS)
  set_property(GLOBAL PROPERTY MAYFLY_UMBRELLA_PARTS ${parts})
  add_library(mayfly_mayfly INTERFACE)
  add_library(mayfly::mayfly ALIAS mayfly_mayfly)
  set_target_properties(mayfly_mayfly PROPERTIES EXPORT_NAME mayfly)
  foreach(part IN LISTS parts)
    target_link_libraries(mayfly_mayfly INTERFACE mayfly_${part})
  endforeach()
  if(MAYFLY_INSTALL)
    install(TARGETS mayfly_mayfly EXPORT mayfly-mayfly)
  endif()
endfunction()

function(mayfly_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  mayfly_warnings(${name})
  _mayfly_unify(${name})
  if(MAYFLY_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

function(mayfly_takes_plugins name)
  set_target_properties(${name} PROPERTIES
    ENABLE_EXPORTS ON
    LINK_LIBRARY_OVERRIDE "WHOLE_ARCHIVE,mayfly_arena,mayfly_scopes,mayfly_pool")
endfunction()

function(mayfly_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  foreach(part arena scopes pool)
    target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:mayfly_${part},INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(${name} PRIVATE $<TARGET_PROPERTY:mayfly_${part},INTERFACE_COMPILE_DEFINITIONS>)
  endforeach()
  mayfly_warnings(${name})
endfunction()

# A sanitizer's finding ends the test, with a stack.
set(MAYFLY_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

function(mayfly_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "RUN_SERIAL;NO_PCH" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mayfly_add_test(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gmock_main)
  mayfly_warnings(${name})
  if(MAYFLY_TEST_PCH AND NOT arg_NO_PCH)
    target_precompile_headers(${name} REUSE_FROM mayfly_test_headers)
  endif()

  set(timeout 120)
  if(arg_TIMEOUT)
    set(timeout ${arg_TIMEOUT})
  endif()
  if(MAYFLY_SANITIZE OR MAYFLY_COVERAGE)
    math(EXPR timeout "${timeout} * 4")
  endif()
  set(environment ${MAYFLY_TEST_ENVIRONMENT} ${arg_ENVIRONMENT})
  list(JOIN environment "\;" environment)
  list(JOIN arg_LABELS "\;" labels)
  set(properties TIMEOUT ${timeout} ENVIRONMENT "${environment}")
  if(labels)
    list(APPEND properties LABELS "${labels}")
  endif()
  if(arg_RUN_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120 PROPERTIES ${properties})
endfunction()

function(mayfly_add_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT" "SOURCES;LINK;ARGS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  mayfly_warnings(${name})
  add_test(NAME example.${name} COMMAND ${name} ${arg_ARGS})
  set_tests_properties(example.${name} PROPERTIES
    TIMEOUT 240 LABELS examples ENVIRONMENT "${MAYFLY_TEST_ENVIRONMENT}")
  if(arg_OUTPUT)
    # PASS_REGULAR_EXPRESSION alone would make the exit status count for nothing.
    set_tests_properties(example.${name} PROPERTIES PASS_REGULAR_EXPRESSION "${arg_OUTPUT}")
    add_test(NAME example.${name}.exit_status COMMAND ${name} ${arg_ARGS})
    set_tests_properties(example.${name}.exit_status PROPERTIES
      TIMEOUT 240 LABELS examples ENVIRONMENT "${MAYFLY_TEST_ENVIRONMENT}")
  endif()
endfunction()

function(mayfly_add_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} benchmark::benchmark)
  mayfly_warnings(${name})
endfunction()
