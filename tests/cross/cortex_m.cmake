# SPDX-License-Identifier: BSL-1.0
# A Cortex-M4 with FPU, no operating system, on the MPS2 board as qemu has it. On a fresh Debian
# machine, as root:
#   apt-get update && apt-get install -y cmake ninja-build libboost-dev libhwy-dev gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm && cmake --workflow --preset cortex-m
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m4)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_CXX_FLAGS_INIT "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-system-arm -machine mps2-an386 -nographic -monitor none
    -serial none -semihosting-config enable=on,target=native -kernel)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing links without what the board needs
set(CMAKE_PROJECT_etch_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
