#pragma once

// Requests of which each submits its successor when it ends: so many are in flight all the time, no worker is ever
// without work, and no submitting thread takes a core.

#include "request.hpp"
#include "tally.hpp"
#include <mayfly/executor.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <thread>

namespace bench {

/// mayfly's executor, for `in_flight` chains. A link has run_in(arena) and ended(right): handler and completion.
class links_on_mayfly {
 public:
  // A request's slot is free just after its completion, in which its successor has been submitted.
  links_on_mayfly(std::size_t workers, std::size_t in_flight)
      : pool_{{.workers = workers, .max_in_flight = in_flight + 2 * workers + 16, .trim_interval = {}}} {}

  template <class Link>
  bool submit(Link& link) {
    return bool{pool_.try_submit(
        {.route = "bench"}, [&link](mayfly::request_context& request) { return link.run_in(request.arena()); },
        [&link](mayfly::outcome<bool> const& answer, mayfly::request_context&) { link.ended(answer.value()); })};
  }

 private:
  mayfly::executor pool_;
};

/// The same on a peer (executors.hpp): run_on_heap() and ended(right) by one task.
template <class Executor>
class links_on {
 public:
  links_on(std::size_t workers, std::size_t) : pool_{workers} {}

  template <class Link>
  bool submit(Link& link) {
    pool_.post([&link] { link.ended(link.run_on_heap()); });
    return true;
  }

 private:
  Executor pool_;
};

/// The chains of one pool, whose requests are `Request`s: bool on_heap(), bool in(mayfly::arena&), both const.
template <class Pool, class Request>
class chains {
 public:
  chains(Pool& pool, Request const& request) : pool_{pool}, request_{request} {}

  void start(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) submit();
  }

  [[nodiscard]] std::uint64_t done() const noexcept { return counts_.all_ran(); }

  /// Ends all chains, waits, and throws where not every request that was submitted has run, and rightly.
  void stop() {
    stopped_.store(true, std::memory_order_relaxed);  // each only has to see it soon
    auto const patience = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!all_over()) {
      if (std::chrono::steady_clock::now() > patience) throw std::runtime_error{"not every submitted request has run"};
      std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
    // relaxed: what the workers did happened before all_over()
    if (refused_.load(std::memory_order_relaxed)) throw std::runtime_error{"a request was refused"};
    if (counts_.all_wrong() != 0) throw std::runtime_error{"a request read back what it had not written"};
  }

  bool run_in(mayfly::arena& memory) { return request_.in(memory); }
  bool run_on_heap() { return request_.on_heap(); }
  void ended(bool right) {
    if (!stopped_.load(std::memory_order_relaxed)) submit();  // until it is seen
    counts_.ran(right);
  }

 private:
  /// A successor is counted before its predecessor is over: whoever reads `ran` first sees them equal at the end only.
  [[nodiscard]] bool all_over() const noexcept {
    std::uint64_t const ran = counts_.all_ran();
    return ran == counts_.all_submitted();
  }

  void submit() {
    counts_.submitted();
    if (pool_.submit(*this)) return;
    refused_.store(true, std::memory_order_relaxed);  // before ran(), which publishes it
    counts_.ran(false);
  }

  Pool& pool_;
  Request const& request_;
  alignas(128) std::atomic<bool> stopped_{false};
  std::atomic<bool> refused_{false};
  tally counts_;
};

}  // namespace bench
