// SPDX-License-Identifier: BSL-1.0
// etch compiled without any -m flag, its instruction set chosen when the program runs.
#include <etch/dispatch.hpp>

#include <memory>

#include "etch_models.hpp"

namespace bench {

std::unique_ptr<Job> etch_dispatch_network(const Workload& w) {
  std::unique_ptr<Job> job;
  for_each_network([&]<class R>(R row) {
    if constexpr (!R::trains && R::batch == 1) {
      using E = OneSample<etch::DispatchedModel<typename R::Net>>;
      if (w.name == row.name) job = std::make_unique<JobOf<E>>(w);
    }
  });
  for_each_stream([&]<class R>(R row) {
    using E = NextSteps<etch::DispatchedStreamingModel<typename R::Net, R::block>>;
    if (w.name == row.name) job = std::make_unique<JobOf<E>>(w);
  });
  return job;
}

}  // namespace bench
