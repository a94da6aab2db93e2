// SPDX-License-Identifier: BSL-1.0
// The tape that etch generates code from, walked at run time.
#include <algorithm>
#include <memory>
#include <span>

#include "../engine.hpp"
#include "../networks.hpp"

namespace bench {

namespace {

template <class Net, std::size_t batch> class Interpreted {
 public:
  explicit Interpreted(const Workload& w) : x_(w.x), y_(batch * w.outputs) {
    const auto parameters = std::make_unique<etch::Parameters<Net>>();
    load(*parameters, w);
    etch::set_parameters(interpreter_, *parameters);
  }
  void run() {
    constexpr std::size_t inputs = etch::InputShape<Net>::size;
    auto y = y_.begin();
    for (std::size_t i = 0; i < batch; ++i) {
      interpreter_.set_input(0, x_.subspan(i * inputs, inputs));
      interpreter_.run();
      y = std::ranges::copy(interpreter_.output(0), y).out;
    }
  }
  std::span<const float> output() const { return y_; }

 private:
  etch::Interpreter<float> interpreter_{etch::network_tape<Net>()};
  std::span<const float> x_;
  Floats y_;
};

}  // namespace

std::unique_ptr<Job> interpreter_network(const Workload& w) {
  std::unique_ptr<Job> job;
  for_each_network([&]<class R>(R row) {
    if constexpr (!R::trains) {
      using E = Interpreted<typename R::Net, R::batch>;
      if (w.name == row.name) job = std::make_unique<JobOf<E>>(w);
    }
  });
  return job;
}

}  // namespace bench
