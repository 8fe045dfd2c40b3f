#!/bin/sh
# Everything that must pass before a change goes in, on a bare Debian 12 or in CI. Installs the
# Debian packages that are missing, builds in build/, build/asan, build/tsan and build/fuzz, and ends
# with ctest's summary.
set -eu
cd "$(dirname "$0")/.."

cmake/scripts/install_packages.sh g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev \
  libcli11-dev libxxhash-dev libcurl4-openssl-dev libssl-dev libcpp-httplib-dev catch2 doxygen \
  clang libclang-rt-14-dev libbenchmark-dev clang-format clang-tidy pkg-config

jobs=$(nproc)
begin=$(date +%s)
step() { printf '\n== %s (after %d s)\n' "$1" $(($(date +%s) - begin)); }

step "Release"
cmake --preset release > /dev/null
cmake --build --preset release -j "$jobs"

step "Lint"
cmake/scripts/lint.sh build

step "AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset asan > /dev/null
cmake --build --preset asan -j "$jobs"
ctest --test-dir build/asan --label-exclude slow --output-on-failure --progress -j "$jobs"

step "ThreadSanitizer"
cmake --preset tsan > /dev/null
cmake --build --preset tsan -j "$jobs" --target stress_test
NEMO_STRESS_SECONDS=60 build/tsan/tests/stress_test

step "Fuzzing, 60 s of each target"
tests/fuzz/run.sh 60

step "Tests"
ctest --test-dir build --output-on-failure -j "$jobs"
