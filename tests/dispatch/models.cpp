// SPDX-License-Identifier: BSL-1.0
// Compiled without any -m flag.
#include <etch/dispatch.hpp>

#include "models.hpp"

ETCH_DISPATCH(models::DenseModel)
ETCH_DISPATCH(models::SmallModel)
ETCH_DISPATCH(models::ImageModel)
ETCH_DISPATCH(models::MemoryModel)
