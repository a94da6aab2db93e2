// SPDX-License-Identifier: BSL-1.0
#pragma once

// Training: data sets, losses, optimizers, and the trainer that brings them together.

#include "etch/etch.hpp"

#include "etch/data/batches.hpp"
#include "etch/data/csv.hpp"
#include "etch/data/dataset.hpp"
#include "etch/data/normalize.hpp"
#include "etch/data/random.hpp"
#include "etch/data/result.hpp"

#include "etch/train/losses.hpp"
#include "etch/train/optimizers.hpp"
#include "etch/train/trainer.hpp"
