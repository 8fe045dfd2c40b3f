# nemo_test(<name> SOURCES <files> LIBRARIES <targets> [LABELS <labels>] [SKIP <regular expression>])
#
# One executable of Catch2 cases; CTest sees each case by name. Tests find their data under
# NEMO_TEST_SOURCE_DIR (this repository's tests/).
find_package(Catch2 2.13 REQUIRED)
include(Catch)

# In builds with sanitizers, which compile twice as long, Catch2 is precompiled. GCC takes what is
# precompiled for our own code and warns inside of it, so warnings are left to the other builds. CMake
# precompiles for a target only what one of its files takes; main cannot, and an empty file does.
set(NEMO_PRECOMPILE_TESTS OFF)
if(NEMO_SANITIZE OR NEMO_SANITIZE_THREAD)
  set(NEMO_PRECOMPILE_TESTS ON)
endif()

# Tests spend little time in their own code, and their compiler much in optimising it.
set(NEMO_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)

add_library(nemo_test_main STATIC ${PROJECT_SOURCE_DIR}/tests/test_main.cpp)
target_link_libraries(nemo_test_main PUBLIC Catch2::Catch2 nemo_compile_options)
target_include_directories(nemo_test_main PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_compile_options(nemo_test_main PRIVATE ${NEMO_TEST_OPTIONS})
target_compile_definitions(nemo_test_main PUBLIC NEMO_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}/tests"
                                                 NEMO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
if(NEMO_PRECOMPILE_TESTS)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp CONTENT "")
  target_sources(nemo_test_main PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/tests/test_main.cpp
                              PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  target_precompile_headers(nemo_test_main PRIVATE <catch2/catch.hpp>)
  target_compile_options(nemo_test_main PRIVATE -w)
endif()

function(nemo_test name)
  cmake_parse_arguments(ARG "" "SKIP" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE nemo_test_main ${ARG_LIBRARIES})
  target_compile_options(${name} PRIVATE ${NEMO_TEST_OPTIONS})
  if(NEMO_PRECOMPILE_TESTS)
    target_precompile_headers(${name} REUSE_FROM nemo_test_main)
    target_compile_options(${name} PRIVATE -w)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set(properties TIMEOUT 300)
  if(CMAKE_CROSSCOMPILING)  # emulation is slow
    set(properties TIMEOUT 3000)
  endif()
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  if(ARG_SKIP)  # what a test prints that was not run
    list(APPEND properties SKIP_REGULAR_EXPRESSION "${ARG_SKIP}")
  endif()
  catch_discover_tests(${name} TEST_PREFIX "${name}: " PROPERTIES ${properties})
endfunction()
