// SPDX-License-Identifier: BSL-1.0
#include <etch/dispatch.hpp>

#include "policy.hpp"

ETCH_DISPATCH(Policy)
