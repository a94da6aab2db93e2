// SPDX-License-Identifier: BSL-1.0
// LIBXSMM: kernels for one shape of product, assembled at run time.
#include <libxsmm.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "../engine.hpp"

namespace bench {

namespace {

/// LIBXSMM counts by columns, and what is C = A B by rows is C^T = B^T A^T by columns.
class LibxsmmProduct {
 public:
  explicit LibxsmmProduct(const Product& p)
      : a_(p.a.data()), b_(p.b.data()), n_(p.n), c_(make_c(n_ * n_)), kernel_(make_kernel(n_)) {}

  bool usable() const { return kernel_ != nullptr; }

  void run() {
    for (std::size_t i = 0; i < n_; i += most_rows) {
      kernel_(b_, a_ + i * n_, c_.get() + i * n_);
    }
  }
  std::span<const float> output() const { return {c_.get(), n_ * n_}; }

 private:
  struct FreeAligned {
    void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  using Buffer = std::unique_ptr<float[], FreeAligned>;
  static Buffer make_c(std::size_t n) { return Buffer(new (std::align_val_t{64}) float[n]()); }

  /// Rows of C in one call. One kernel for all rows is slower from n = 256 on, and so are blocks of
  /// columns or of depth, packed or not, and libxsmm_sgemm.
  static constexpr std::size_t most_rows = 128;

  static libxsmm_smmfunction make_kernel(std::size_t size) {
    const auto n = static_cast<libxsmm_blasint>(size);
    const auto rows = static_cast<libxsmm_blasint>(std::min(size, most_rows));
    if (n % rows != 0) return nullptr;
    const float alpha = 1, beta = 0;
    return libxsmm_smmdispatch(n, rows, n, nullptr, nullptr, nullptr, &alpha, &beta, nullptr,
                               nullptr);
  }

  const float *a_, *b_;
  std::size_t n_;
  Buffer c_;
  libxsmm_smmfunction kernel_;
};

}  // namespace

std::unique_ptr<Job> libxsmm_network(const Workload&) { return nullptr; }

std::unique_ptr<Job> libxsmm_product(const Product& p) {
  if (!LibxsmmProduct(p).usable()) return nullptr;  // a processor it has no code for
  return std::make_unique<JobOf<LibxsmmProduct>>(p);
}

}  // namespace bench
