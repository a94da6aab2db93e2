// SPDX-License-Identifier: BSL-1.0
// Only for Catch2 v2; v3 brings a compiled main.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"
