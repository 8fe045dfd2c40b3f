#!/bin/sh
# The library and its tests for 64-bit ARM, on an x86-64 Debian 12: installs what is missing, builds in
# build/arm64 with the cross compiler, and runs the tests under QEMU's user mode, on a processor with the
# dot product instructions, and those of kernels and models once more on one without. By hand: emulation
# takes twenty times as long as a processor.
#   tests/arm64.sh [further arguments of ctest, such as -R kernels_test]
set -eu
cd "$(dirname "$0")/.."

# The libraries of the host are headers alone, which serve for both. curl is not, so no `nemotron pull`.
cmake/scripts/install_packages.sh g++-aarch64-linux-gnu qemu-user-static cmake ninja-build \
  libeigen3-dev nlohmann-json3-dev libcli11-dev libxxhash-dev catch2

jobs=$(nproc)
export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
cmake --preset arm64 > /dev/null
cmake --build --preset arm64 -j "$jobs"

# Consumers of an installed package are built without the toolchain file.
without='^install: (find_package|pkg-config|add_subdirectory)'
# Programs that start others need a kernel that gives foreign programs to QEMU (binfmt_misc).
if ! build/arm64/bin/nemotron --version > /dev/null 2>&1; then
  echo "This kernel does not run ARM programs by itself: tests that start programs are left out."
  without="$without|^examples: (the nemotron command|nemotron pull)|^saved_crash_test"
fi
ctest --test-dir build/arm64 --exclude-regex "$without" --output-on-failure -j "$jobs" "$@"

echo "On a processor without the dot product instructions:"
qemu-aarch64-static -cpu cortex-a53 build/arm64/tests/kernels_test
qemu-aarch64-static -cpu cortex-a53 build/arm64/tests/model_test '*equal the official*,*narrow*,one row*'
