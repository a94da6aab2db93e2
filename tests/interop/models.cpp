// SPDX-License-Identifier: BSL-1.0
// Models that PyTorch trained and saved (make_models.py): their weights are read into networks that
// are declared here, which then say what PyTorch said.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "catch.hpp"
#include "etch/io/npy.hpp"
#include "etch/io/safetensors.hpp"
#include "etch/layers/activations.hpp"
#include "etch/layers/batch_norm.hpp"
#include "etch/layers/conv.hpp"
#include "etch/layers/linear.hpp"
#include "etch/layers/pool.hpp"
#include "etch/layers/recurrent.hpp"
#include "etch/layers/shape.hpp"
#include "etch/layers/transformer.hpp"
#include "etch/network/model.hpp"

namespace {

using etch::Input;
using etch::KeyNames;
using etch::Linear;
using etch::ReLU;

using Mlp = etch::Network<Input<6>, Linear<16>, ReLU, Linear<8>, etch::Tanh, Linear<3>>;

using Cnn = etch::Network<Input<1, 8, 8>,                                 //
                          etch::Conv2d<6, 3, etch::Padding<1>>,           // features.0
                          etch::BatchNorm2d<>, ReLU, etch::MaxPool2d<2>,  // ... 3
                          etch::Conv2d<8, 3, etch::Padding<1>, etch::Bias<false>>,
                          etch::BatchNorm2d<>, ReLU, etch::MaxPool2d<2>,  // ... 7
                          etch::Flatten, Linear<10>>;                     // classifier.1
const KeyNames cnn_names = {{"", "features"}, {"9", "classifier.1"}};

using Lstm = etch::Network<Input<7, 3>, etch::LSTM<12>, etch::Select<0, -1>, Linear<2>>;
const KeyNames lstm_names = {{"0", "lstm"}, {"2", "head"}};

using Gru =
    etch::Network<Input<6, 3>, etch::GRU<5, etch::NumLayers<2>, etch::Bidirectional<>>, Linear<2>>;
const KeyNames gru_names = {{"0", "gru"}, {"1", "head"}};

using Encoder = etch::TransformerEncoderLayer<4, 24>;
using Transformer = etch::Network<Input<5, 4>, Linear<16>, Encoder, Encoder, Linear<3>>;
const KeyNames transformer_names = {
    {"0", "embed"}, {"1", "encoder.layers.0"}, {"2", "encoder.layers.1"}, {"3", "head"}};

/// The largest difference to PyTorch's results, as a share of 1 + their size.
template <class Net>
void check(const std::string& name, const KeyNames& names = {}) {
  const std::string file = "interop/files/" + name;
  const auto model = std::make_unique<etch::Model<Net>>();
  const auto read = etch::read_safetensors(file + ".safetensors", model->parameters(), names);
  REQUIRE(read.error().message == "");

  constexpr std::size_t in = etch::InputShape<Net>::size, out = etch::OutputShape<Net>::size;
  const etch::NpyArray x = etch::read_npy(file + "_x.npy").value();
  const etch::NpyArray y = etch::read_npy(file + "_y.npy").value();
  const std::size_t samples = x.values.size() / in;
  REQUIRE(samples > 1);
  REQUIRE(x.values.size() == samples * in);
  REQUIRE(y.values.size() == samples * out);
  float largest = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    const auto found = (*model)(std::span<const float, in>(x.values.data() + i * in, in));
    for (std::size_t k = 0; k < out; ++k) {
      const float expected = y.values[i * out + k];
      const float share = std::abs(found[k] - expected) / (1 + std::abs(expected));
      CHECK(share <= 1e-5f);
      largest = std::max(largest, share);
    }
  }
  std::printf("%-12s at most %.1e from PyTorch\n", name.c_str(), static_cast<double>(largest));
}

}  // namespace

TEST_CASE("an MLP comes from PyTorch") { check<Mlp>("mlp"); }
TEST_CASE("an MLP in bfloat16 comes from PyTorch") { check<Mlp>("mlp_bf16"); }
TEST_CASE("a CNN with batch norms comes from PyTorch") { check<Cnn>("cnn", cnn_names); }
TEST_CASE("an LSTM comes from PyTorch") { check<Lstm>("lstm", lstm_names); }
TEST_CASE("an LSTM in half precision comes from PyTorch") { check<Lstm>("lstm_f16", lstm_names); }
TEST_CASE("a bidirectional GRU of two layers comes from PyTorch") { check<Gru>("gru", gru_names); }
TEST_CASE("a transformer encoder comes from PyTorch") {
  check<Transformer>("transformer", transformer_names);
}

TEST_CASE("what is written under PyTorch's keys is PyTorch's file") {
  const std::string path = "interop/files/cnn.safetensors";
  etch::Parameters<Cnn> parameters;
  REQUIRE(etch::read_safetensors(path, parameters, cnn_names));
  // All but the counts of batches, which are the first 16 bytes behind the header.
  std::string expected = etch::read_file(path).value();
  const auto header = static_cast<std::size_t>(etch::detail::little_endian(expected.substr(0, 8)));
  std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(8 + header), 16, '\0');
  CHECK(etch::safetensors_bytes(parameters, cnn_names) == expected);
}

TEST_CASE("without the names of its members a class of PyTorch is another network") {
  etch::Parameters<Lstm> parameters;
  const auto result = etch::read_safetensors("interop/files/lstm.safetensors", parameters);
  CHECK(result.error().message.find("missing: 0.weight_ih_l0 [48, 3]\n") != std::string::npos);
  CHECK(result.error().message.find("surplus: lstm.weight_ih_l0 [48, 3]") != std::string::npos);
}
