// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "etch/io/header.hpp"
#include "etch/layers/linear.hpp"
#include "etch/network/network.hpp"

// What is compiled: small programs as text, made when they are asked for.

namespace compile_time {

struct Case {
  std::string name;
  std::function<std::string()> source;
  bool etch = true;  ///< with etch's flags; otherwise dlib's
};

inline const char* lenet_of_etch = R"(
using namespace etch;
using LeNet = Network<Input<1, 28, 28>, Conv2d<6, 5>, ReLU, MaxPool2d<2>, Conv2d<16, 5>, ReLU,
                      MaxPool2d<2>, Flatten, Linear<120>, ReLU, Linear<84>, ReLU, Linear<10>>;
)";

inline const char* infer_with_etch = R"(
void infer(etch::Model<NET>& model, std::span<const float, etch::InputShape<NET>::size> x,
           std::span<float, etch::OutputShape<NET>::size> y) { model(x, y); }
)";

inline const char* train_with_etch = R"(
float step(etch::Trainer<NET, LOSS, etch::Adam, etch::Batch<32>>& trainer,
           std::span<const float, 32 * etch::InputShape<NET>::size> x,
           std::span<const float, 32 * LOSS::Target<etch::OutputShape<NET>>::size> target) {
  return trainer.step(x, target);
}
)";

inline const char* lenet_of_dlib = R"(
#include <dlib/dnn.h>
using namespace dlib;
using Net = loss_multiclass_log<fc<10, relu<fc<84, relu<fc<120, max_pool<2, 2, 2, 2,
    relu<con<16, 5, 5, 1, 1, max_pool<2, 2, 2, 2, relu<con<6, 5, 5, 1, 1,
    input<matrix<unsigned char>>>>>>>>>>>>>>;
)";

/// `layers` dense layers with ReLU behind them, all of 32 features or each of another width.
inline std::string dense(std::size_t layers, bool different) {
  std::string net = "using Deep = etch::Network<etch::Input<32>";
  for (std::size_t i = 0; i < layers; ++i) {
    net += ",\n    etch::Linear<" + std::to_string(different ? 16 + i : 32) + ">, etch::ReLU";
  }
  return net + ">;\n";
}

inline const std::string lstm = ", etch::LSTM<32>";
inline const std::string encoder = ", etch::TransformerEncoderLayer<4, 128>";

/// These layers in a network on sequences that has nothing else of them but its head.
inline std::string on_sequences(const std::string& layers) {
  return "using OnSequences = etch::Network<etch::Input<32, 64>" + layers +
         ", etch::Linear<8>>;\n";
}

/// A network of a hundred thousand weights that are constants of the program, or come from outside.
inline std::string wide(bool embedded) {
  using Wide = etch::Network<etch::Input<256>, etch::Linear<300>, etch::Linear<76>>;
  std::string source =
      "#include <etch/etch.hpp>\n#include <etch/io/embedded.hpp>\n#define NET Wide\n"
      "using Wide = etch::Network<etch::Input<256>, etch::Linear<300>, etch::Linear<76>>;\n";
  if (embedded) {
    const auto drawn = std::make_unique<etch::Parameters<Wide>>();
    etch::initialize(*drawn, 1);
    std::string header = etch::header_text(*drawn).value();
    header.erase(header.find("#pragma once"), 12);
    source += header;
    source += "constexpr auto weights = etch::embedded_parameters<Wide>(model::weights);\n";
  } else {
    source += "extern const etch::Parameters<Wide> weights;\n";
  }
  return source + "etch::Model<NET> wide(weights);\n" + infer_with_etch;
}

inline std::vector<Case> cases() {
  const std::string etch = "#include <etch/etch.hpp>\n", train = "#include <etch/train.hpp>\n";
  const std::string on_lenet = "#define NET LeNet\n#define LOSS etch::CrossEntropy\n";
  const std::string on_deep = "#define NET Deep\n#define LOSS etch::MSE\n";
  std::vector<Case> all = {
      {"include_highway", [] { return std::string("#include <hwy/highway.h>\n"); }},
      {"include", [=] { return etch; }},
      {"include_train", [=] { return train; }},
      {"weights_0", [] { return wide(false); }},
      {"weights_100000", [] { return wide(true); }},
      {"lenet_infer", [=] { return etch + lenet_of_etch + on_lenet + infer_with_etch; }},
      {"lenet_train", [=] { return train + lenet_of_etch + on_lenet + train_with_etch; }},
  };
  for (const bool training : {false, true}) {
    for (const bool different : {false, true}) {
      for (const std::size_t layers : {10u, 25u, 50u, 100u}) {
        const std::string name = std::string("dense_") + (different ? "different_" : "equal_") +
                                 (training ? "train_" : "infer_") + std::to_string(layers);
        all.push_back({name, [=] {
                         return (training ? train : etch) + dense(layers, different) + on_deep +
                                (training ? train_with_etch : infer_with_etch);
                       }});
      }
    }
  }
  const std::string on_sequence = "#define NET OnSequences\n#define LOSS etch::MSE\n";
  const std::string six = encoder + encoder + encoder + encoder + encoder + encoder;
  for (const bool training : {false, true}) {
    const auto add = [&](const std::string& name, const std::string& layers) {
      all.push_back({name + (training ? "_train" : "_infer"), [=] {
                       return (training ? train : etch) + on_sequences(layers) + on_sequence +
                              (training ? train_with_etch : infer_with_etch);
                     }});
    };
    add("sequence", "");
    add("lstm", lstm);
    add("encoder", encoder);
    add("encoder_six", six);
  }
  return all;
}

inline std::vector<Case> dlib_cases() {
  return {{"dlib_include", [] { return std::string("#include <dlib/dnn.h>\n"); }, false},
          {"dlib_lenet_train",
           [] {
             return lenet_of_dlib + std::string(R"(
void train(Net& net, const std::vector<matrix<unsigned char>>& x,
           const std::vector<unsigned long>& y) { dnn_trainer<Net, adam>(net).train(x, y); }
)");
           },
           false}};
}

}  // namespace compile_time
