# SPDX-License-Identifier: BSL-1.0
# WebAssembly with its SIMD, run by node as a WASI program. (Debian 12's emscripten brings clang 14,
# which is too old for etch.) On a fresh Debian machine, as root:
#   apt-get update && apt-get install -y cmake ninja-build libboost-dev libhwy-dev clang-19 lld-19 wasi-libc libc++-19-dev-wasm32 libclang-rt-19-dev-wasm32 nodejs && cmake --workflow --preset wasm
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_SYSROOT /usr)
set(CMAKE_CXX_FLAGS_INIT "-msimd128 -fno-exceptions")  # its C++ library is built without
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=/usr/bin/wasm-ld-19")
set(CMAKE_CROSSCOMPILING_EMULATOR node --no-warnings ${CMAKE_CURRENT_LIST_DIR}/wasi.mjs)
set(CMAKE_PROJECT_etch_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/headers.cmake)
