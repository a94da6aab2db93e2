# SPDX-License-Identifier: BSL-1.0
# aarch64 with NEON, run by qemu. On a fresh Debian machine, as root:
#   apt-get update && apt-get install -y cmake ninja-build libboost-dev libhwy-dev catch2 g++-aarch64-linux-gnu qemu-user && cmake --workflow --preset aarch64
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(CMAKE_PROJECT_etch_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
