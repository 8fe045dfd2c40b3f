# 64-bit ARM Linux with Debian's cross compiler, tests under QEMU's user mode: tests/arm64.sh installs
# both. NEMO_QEMU_CPU is the processor that tests see: "max", or one without the dot product
# instructions, such as "cortex-a53".
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(NEMO_QEMU_CPU max CACHE STRING "Processor that QEMU emulates in tests")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu -cpu ${NEMO_QEMU_CPU})
