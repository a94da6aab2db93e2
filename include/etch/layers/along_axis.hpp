// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/movement.hpp"

namespace etch::detail {

/// What has an axis `dim` needs samples that have it too.
template <int dim> struct AlongAxis {
  static constexpr std::size_t least_rank = extent_for(dim);

  template <class S> static constexpr auto fits() {
    return Verdict<(S::rank >= least_rank), RankOfAtLeast<least_rank>, S>{};
  }
};

}  // namespace etch::detail
