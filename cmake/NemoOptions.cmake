# What a builder may choose, and the compile options that every target of ours gets.
option(NEMO_DEVELOPER "Build the tests; warnings are errors" OFF)
option(NEMO_EXAMPLES "Build the nemotron command and the example programs" ${PROJECT_IS_TOP_LEVEL})
option(NEMO_INSTALL "Install the library and its headers" ${PROJECT_IS_TOP_LEVEL})
set(NEMO_CURL AUTO CACHE STRING "nemotron pull, with libcurl and OpenSSL: ON, OFF or AUTO (if found)")
set_property(CACHE NEMO_CURL PROPERTY STRINGS AUTO ON OFF)
option(NEMO_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(NEMO_FUZZ "Build the fuzz targets (clang), with both sanitizers" OFF)
option(NEMO_SANITIZE_THREAD "Build with ThreadSanitizer" OFF)
option(NEMO_UNITY "Compile the files of a component as one: half the work where all are compiled" OFF)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

include(GNUInstallDirs)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.11 REQUIRED)

# Only the nemotron command downloads models; who builds the library alone needs neither.
set(NEMO_HAS_HUB OFF)
if(NEMO_CURL AND (NEMO_EXAMPLES OR NEMO_DEVELOPER OR NEMO_FUZZ))
  if(NEMO_CURL STREQUAL "AUTO")
    find_package(CURL 7.62)
    find_package(OpenSSL 1.1 COMPONENTS Crypto)
  else()
    find_package(CURL 7.62 REQUIRED)
    find_package(OpenSSL 1.1 REQUIRED COMPONENTS Crypto)
  endif()
  if(CURL_FOUND AND OPENSSL_FOUND)
    set(NEMO_HAS_HUB ON)
  else()
    message(STATUS "nemotron pull is left out: libcurl or OpenSSL was not found")
  endif()
endif()

add_library(nemo_compile_options INTERFACE)
target_compile_features(nemo_compile_options INTERFACE cxx_std_20)
# -ffp-contract=off: a sum has one order and one rounding in every build; FMA is spelled where meant.
# The two others change no value: they let selections and square roots vectorise.
target_compile_options(nemo_compile_options INTERFACE
  -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  $<$<BOOL:${NEMO_DEVELOPER}>:-Werror>)
if(NEMO_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(NEMO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=address,undefined)
endif()
if(NEMO_SANITIZE_THREAD)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
