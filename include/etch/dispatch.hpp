// SPDX-License-Identifier: BSL-1.0
#pragma once

// One binary for every CPU: ETCH_DISPATCH. Before all other headers of etch.
#include "etch/network/dispatch.hpp"
