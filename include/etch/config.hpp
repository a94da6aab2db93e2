// SPDX-License-Identifier: BSL-1.0
#pragma once

// MSVC keeps __cplusplus at 199711L unless /Zc:__cplusplus is given; _MSVC_LANG is always right.
#if (defined(_MSVC_LANG) && _MSVC_LANG < 202002L) || (!defined(_MSVC_LANG) && __cplusplus < 202002L)
#error "etch needs C++20: compile with -std=c++20 (MSVC: /std:c++20), g++ 12, clang 18 or newer"
#elif defined(__apple_build_version__)
// Numbers with a fraction as template arguments came with LLVM 18. Apple counts apart.
#if __clang_major__ < 17
#error "etch needs Xcode 16.3 or newer (g++ 12, clang 18, MSVC 19.34)"
#endif
#elif defined(__clang__)
#if __clang_major__ < 18
#error "etch needs clang 18 or newer (g++ 12, Xcode 16.3, MSVC 19.34)"
#endif
#elif defined(__GNUC__)
#if __GNUC__ < 12
#error "etch needs g++ 12 or newer (clang 18, Xcode 16.3, MSVC 19.34)"
#endif
#elif defined(_MSC_VER)
#if _MSC_VER < 1934
#error "etch needs MSVC 19.34 (Visual Studio 2022 17.4) or newer (g++ 12, clang 18, Xcode 16.3)"
#endif
#endif

namespace etch {

/// The version of the library. CMakeLists.txt reads it from these three lines.
inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

}  // namespace etch
