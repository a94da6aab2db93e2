// SPDX-License-Identifier: BSL-1.0
// Catch2 v2 and v3 through one include.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;  // v2 puts it there by itself
#else
#include <catch2/catch.hpp>
#endif
