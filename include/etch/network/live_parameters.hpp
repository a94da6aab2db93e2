// SPDX-License-Identifier: BSL-1.0
/// Weights that are exchanged while other threads run the model with them.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "etch/data/result.hpp"
#include "etch/network/parameters.hpp"

// Reclamation by epochs (Fraser 2004). A reader announces the epoch in which it begins and then
// takes the newest weights; the owner exchanges the weights, and then begins a new epoch. Whoever
// may still hold weights that were taken out has announced an earlier epoch than the one after
// that: in the one order of all these operations, which sequential consistency grants, a reader
// that got the old weights announced itself before they were exchanged, so the owner sees it.

namespace etch {

/// Holds the newest Parameters<Net>. One thread, the owner, publishes others; up to `most` threads
/// run models with them, without waiting: what a reader does is two stores and two loads, whatever
/// the owner does. Weights that were replaced are freed by the owner, when nobody reads them.
template <class Net, std::size_t most = 8> class LiveParameters {
 public:
  using Weights = Parameters<Net>;

  /// Requires weights, not null.
  explicit LiveParameters(std::unique_ptr<const Weights> first) : current_(first.release()) {
    assert(current_.load() != nullptr);
  }
  explicit LiveParameters(const Weights& first)
      : LiveParameters(std::make_unique<const Weights>(first)) {}
  /// All readers are gone by then.
  ~LiveParameters() {
    delete current_.load();
    for (const Retired& old : retired_) delete old.weights;
  }
  LiveParameters(const LiveParameters&) = delete;
  LiveParameters& operator=(const LiveParameters&) = delete;

  /// A thread's way to the weights, made by `reader` before the thread becomes a real-time one.
  class Reader {
   public:
    /// The value of `live.reader()`, which reports, as value() of a Result does, if there is none.
    explicit Reader(LiveParameters& live) : Reader(live.reader().value()) {}
    Reader(Reader&& other) noexcept
        : live_(other.live_), place_(std::exchange(other.place_, nullptr)) {}
    ~Reader() {
      if (place_ != nullptr) place_->store(nobody);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// use(weights) with the newest ones, which stay what and where they are until it returns.
    /// Neither allocates nor waits; not to be called from within `use`.
    template <class Use> decltype(auto) read(Use&& use) noexcept {
      const Announced announced(*place_, live_.epoch_.load());
      return std::forward<Use>(use)(*live_.current_.load());
    }

   private:
    friend LiveParameters;
    Reader(LiveParameters& live, std::atomic<std::uint64_t>& place) : live_(live), place_(&place) {}

    LiveParameters& live_;
    std::atomic<std::uint64_t>* place_;
  };

  /// Any thread: one more reader. Error if there are `most` already.
  Result<Reader> reader() {
    for (Place& place : places_) {
      std::uint64_t expected = nobody;
      if (place.epoch.compare_exchange_strong(expected, idle)) return Reader(*this, place.epoch);
    }
    return Error{"all " + std::to_string(most) + " places of readers of these weights are taken"};
  }

  /// The owner: from now on these, not null, are the newest. Frees what it can.
  void publish(std::unique_ptr<const Weights> next) {
    assert(next != nullptr);
    retired_.reserve(retired_.size() + 1);  // if this throws, nothing has happened
    const Weights* const old = current_.exchange(next.release());
    retired_.push_back({old, epoch_.fetch_add(1) + 1});
    collect();
  }
  void publish(const Weights& next) { publish(std::make_unique<const Weights>(next)); }

  /// The owner: frees replaced weights that nobody reads any more, and says how many are left.
  std::size_t collect() {
    std::erase_if(retired_, [this](const Retired& old) {
      if (in_use(old.epoch)) return false;
      delete old.weights;
      return true;
    });
    return retired_.size();
  }

 private:
  struct Retired {
    const Weights* weights;
    std::uint64_t epoch;  ///< of the first moment in which nobody could take them any more
  };

  static constexpr std::uint64_t nobody = 0, idle = 1, first_epoch = 2;

  /// One cache line each: readers do not disturb each other.
  struct alignas(64) Place {
    std::atomic<std::uint64_t> epoch{nobody};
  };

  class Announced {
   public:
    Announced(std::atomic<std::uint64_t>& place, std::uint64_t epoch) noexcept : place_(place) {
      place_.store(epoch);
    }
    ~Announced() { place_.store(idle, std::memory_order_release); }
    Announced(const Announced&) = delete;
    Announced& operator=(const Announced&) = delete;

   private:
    std::atomic<std::uint64_t>& place_;
  };

  bool in_use(std::uint64_t epoch) const {
    for (const Place& place : places_) {
      const std::uint64_t announced = place.epoch.load();
      if (announced >= first_epoch && announced < epoch) return true;
    }
    return false;
  }

  std::atomic<const Weights*> current_;
  std::atomic<std::uint64_t> epoch_{first_epoch};
  std::array<Place, most> places_{};
  std::vector<Retired> retired_;

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                    std::atomic<const Weights*>::is_always_lock_free,
                "etch: this machine has locks where atomics should be");
};

}  // namespace etch
