// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "etch/expr/functions.hpp"
#include "etch/expr/initializers.hpp"
#include "etch/layers/affine.hpp"
#include "etch/layers/options.hpp"

namespace etch {

/// y = W x + b on the last axis of x, as torch.nn.Linear.
/// weight: [Out, In], bias: [Out]. Options: Bias<false>, InFeatures<n>.
template <std::size_t out, class... Options> struct Linear {
  template <class S> static constexpr auto fits() {
    constexpr auto known = Known<option::Bias, option::InFeatures>::template check<Options...>();
    if constexpr (!known.ok) {
      return known;
    } else if constexpr (out == 0) {
      return OptionMisfit<AtLeast<1>, Number<0>>{};
    } else if constexpr (S::rank == 0) {
      return Misfit<RankOfAtLeast<1>, S>{};
    } else {
      constexpr std::size_t in = S::dims[S::rank - 1];
      constexpr std::size_t wanted = option_or<option::InFeatures, in, Options...>();
      return Verdict<in == wanted, Shape<wanted>, S>{};
    }
  }

  template <Expr X> static constexpr auto formula(X x) {
    constexpr std::size_t in = extent_of<-1>(X{});
    constexpr auto w = parameter<"weight", Shape<out, in>, KaimingUniform>;
    constexpr auto b = parameter<"bias", Shape<out>, FanInUniform<in>>;
    return detail::plus_bias<Options...>(detail::linear_map(w, x), b);
  }
};

}  // namespace etch
