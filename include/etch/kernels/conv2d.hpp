// SPDX-License-Identifier: BSL-1.0
#if defined(ETCH_KERNELS_CONV2D_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ETCH_KERNELS_CONV2D_HPP
#undef ETCH_KERNELS_CONV2D_HPP
#else
#define ETCH_KERNELS_CONV2D_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "etch/kernels/chain.hpp"
#include "etch/kernels/conv2d_layout.hpp"
#include "etch/kernels/conv2d_winograd.hpp"
#include "etch/kernels/correlation.hpp"
#include "etch/kernels/lanes.hpp"

// Two ways: one correlation as it stands, or, where kernels of three rows meet many channels, four
// smaller ones of sums of rows. Which it is depends on the shape of one sample only.

HWY_BEFORE_NAMESPACE();
namespace etch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// x: [batch][channels, height, width], weight: [outputs, channels / groups, kernel] -> the chain,
/// whose domain is exactly (batch, outputs, out_height * out_width) and whose link 0 is the sum.
/// `scratch`: conv2d_scratch(spec) floats. No target overlaps x or weight.
template <auto spec, auto chain>
void conv2d(const float* x, const float* weight, const float* const* sources,
            float* const* targets, float* HWY_RESTRICT scratch) noexcept {
  constexpr std::size_t inputs = detail::group_inputs(spec) * spec.height * spec.width;
  const Buffers<chain> held(sources, targets);
  for (std::size_t group = 0; group < spec.groups; ++group) {
    const float* x_group = x + group * inputs;
    using W = typename etch::detail::stored_number<spec.type>::of;
    const W* w = reinterpret_cast<const W*>(weight) + group * detail::group_weights(spec);
    const std::size_t first = group * detail::group_outputs(spec);
    if constexpr (detail::by_winograd(spec)) {
      detail::winograd_group<spec, chain>(x_group, w, first, held, scratch);
    } else {
      for (std::size_t sample = 0; sample < spec.batch; ++sample) {
        const auto finish = [=](auto count, std::size_t output, std::size_t pixel,
                                hn::Vec<FloatTag> sum) HWY_ATTR {
          const Position at{{sample, first + output, pixel}};
          run_chain<chain, count>(FloatTag{}, at, sum, held.sources, held.targets);
        };
        detail::pack_and_correlate<detail::forward_correlation(spec)>(
            x_group + sample * spec.x_batch, w + sample * spec.weight_batch, scratch, finish);
      }
    }
  }
}

}  // namespace etch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
