// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/options.hpp"

namespace etch {

/// A vector for each word: [..] of indices -> [.., embedding_dim], as torch.nn.Embedding.
/// weight: [num_embeddings, embedding_dim]. Indices are floats that hold whole numbers, at most
/// 2^24; one outside of the table counts as the nearest inside, it does no harm.
template <std::size_t num_embeddings, std::size_t embedding_dim> struct Embedding {
  template <class S> static constexpr auto fits() {
    if constexpr (num_embeddings == 0 || embedding_dim == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (num_embeddings > (std::size_t{1} << 24)) {
      return OptionMisfit<AtMost<(std::size_t{1} << 24)>, Number<num_embeddings>>{};
    } else {
      return Verdict<(S::rank < max_rank), AnyShapeOfRank<max_rank - 1>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr auto w = parameter<"weight", Shape<num_embeddings, embedding_dim>, Normal<>>;
    return embedding(w, x);
  }
};

}  // namespace etch
