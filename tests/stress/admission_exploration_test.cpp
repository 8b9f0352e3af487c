// The admission queue and the gate that idle workers sleep at (pool/), in every interleaving. The loops below take the
// same steps in the same order as executor_core::work(), idle(), announce(), leaves(), let_go(), stop_workers() and
// drain().

#include "exploration.hpp"
#include <mayfly/detail/index_ring.hpp>
#include <mayfly/detail/scope_control.hpp>
#include <mayfly/detail/worker_gate.hpp>
#include <mayfly/detail/worker_surplus.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace {

using namespace mayfly::explorer;  // NOLINT(google-build-using-namespace): a test of it
using mayfly::detail::ring_push_result;
using mayfly::detail::scope_end;

using explored_ring =
    mayfly::detail::basic_index_ring<explored_atomics, std::vector<mayfly::explorer::atomic<std::uint64_t>>>;
using explored_gate = mayfly::detail::basic_worker_gate<explored_atomics>;

constexpr std::uint32_t requests = 4;

struct queue_state {
  explicit queue_state(std::size_t places = 2) : ring(places) {}

  explored_ring ring;
  std::array<var<int>, requests> records;  // what a submitter writes and a worker reads
  std::array<int, requests> accepted{};    // by its submitter
  std::array<int, requests> taken{};       // each by one worker, or it fails

  bool push(std::uint32_t request) {
    records[request] = 1;
    accepted[request] = static_cast<int>(ring.push(request) == ring_push_result::pushed);
    return accepted[request] != 0;
  }
  bool pop() {
    std::uint32_t request = 0;
    if (!ring.pop(request)) return false;
    require(records[request] == 1, "the record is there");
    records[request] = 2;
    ++taken[request];
    return true;
  }
  void check() {
    while (pop()) {
    }
    require(ring.empty(), "nothing is left behind");
    require(taken == accepted, "each accepted request is taken exactly once, and no other");
  }
};

TEST(QueueExploration, EachAcceptedRequestIsTakenOnceAndItsRecordIsThere) {
  auto const found = explore_state<queue_state>(
      "admission queue: two submitters, two workers, two places; each accepted request is taken once, with its record",
      within({2, 1}, {3, 1}), [](execution& run, queue_state& state) {
        run.thread([&] {
          state.push(0);
          state.push(1);
        });
        run.thread([&] { state.push(2); });
        run.thread([&] { state.pop(); });
        run.thread([&] { state.pop(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

struct one_place_state : queue_state {
  one_place_state() : queue_state(1) {}
};

TEST(QueueExploration, OnePlaceIsTakenAgainAndAgainAndLosesNothing) {
  auto const found = explore_state<one_place_state>(
      "admission queue: two submitters, two workers, one place; each accepted request is taken once, with its record",
      within({2, 1}, {3, 1}), [](execution& run, one_place_state& state) {
        run.thread([&] {
          state.push(0);
          state.push(1);
        });
        run.thread([&] { state.push(2); });
        run.thread([&] {
          state.pop();
          state.pop();
        });
        run.thread([&] { state.pop(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

TEST(QueueExploration, NothingIsAcceptedBehindAClose) {
  auto const found = explore_state<queue_state>(
      "admission queue: close against push and pop; what was accepted is taken, nothing is accepted afterwards",
      within({3, 1}, {16, 8}), [](execution& run, queue_state& state) {
        run.thread([&] {
          state.push(0);
          state.push(1);
        });
        run.thread([&] {
          state.ring.close();
          require(!state.push(2), "a closed queue refuses");
        });
        run.thread([&] { state.pop(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

struct pool_state : queue_state {
  explored_gate gate;
  mayfly::explorer::atomic<bool> stopping{false};

  void submit(std::uint32_t request) {
    if (push(request)) gate.wake_one();
  }
  [[nodiscard]] bool work_waits() const { return !ring.empty(); }
  [[nodiscard]] bool should_wake() const { return work_waits() || stopping.load(std::memory_order_seq_cst); }

  /// executor_core::work() with idle(), without spinning.
  void work() {
    bool leaves_search = false;
    for (;;) {
      if (pop()) {
        if (std::exchange(leaves_search, false) && work_waits()) gate.wake_one();
      } else if (work_waits()) {
        explored_atomics::pause();  // a push that is claimed and not finished
      } else if (!stopping.load(std::memory_order_seq_cst)) {
        leaves_search = true;
        gate.begin_search();
        if (should_wake()) {
          gate.end_search();
        } else {
          gate.park([this] { return should_wake(); });
        }
      } else if (!work_waits()) {
        return;
      }
    }
  }
  void stop(std::uint32_t workers) {
    ring.close();
    stopping.store(true, std::memory_order_seq_cst);
    gate.wake(workers);
  }
};

TEST(WorkerExploration, NoWakeUpIsLostBetweenSubmittersAndWorkersThatGoToSleep) {
  auto const found = explore_state<pool_state>(
      "drainers: two submitters, two workers that search and park, and the end; no wake-up is lost, all is taken",
      within({1, 1}, {2, 1}), [](execution& run, pool_state& state) {
        run.thread([&] { state.submit(0); });
        run.thread([&] {
          state.submit(1);
          state.stop(2);
        });
        run.thread([&] { state.work(); });
        run.thread([&] { state.work(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

TEST(WorkerExploration, ALoneWorkerStartsAndStopsWithWhatEverIsThere) {
  auto const found = explore_state<pool_state>(
      "drainers: one worker, one submitter, the end; it neither sleeps through work nor through the end",
      within({3, 1}, {4, 2}), [](execution& run, pool_state& state) {
        run.thread([&] {
          state.submit(0);
          state.submit(1);
        });
        run.thread([&] { state.stop(1); });
        run.thread([&] { state.work(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

/// What is taken here never ends: whoever takes a request, or helps, is not seen again. So what waits behind it has to
/// be another worker's, and nobody sleeps it out until the next wake-up or the end.
struct endless_state : pool_state {
  mayfly::explorer::atomic<std::uint32_t> helpers_wanted{0};

  void want_helper() {
    helpers_wanted.fetch_add(1, std::memory_order_seq_cst);
    gate.wake(1);
  }
  [[nodiscard]] bool help_is_wanted() const { return helpers_wanted.load(std::memory_order_seq_cst) != 0; }
  [[nodiscard]] bool help() {
    std::uint32_t wanted = helpers_wanted.load(std::memory_order_seq_cst);
    while (wanted != 0) {
      if (helpers_wanted.compare_exchange_strong(wanted, wanted - 1, std::memory_order_seq_cst)) return true;
    }
    return false;
  }

  /// executor_core::work() up to the first thing there is to do.
  void work_once() {
    bool leaves_search = false;
    while (!help() && !pop()) {
      if (work_waits()) {
        explored_atomics::pause();
        continue;
      }
      leaves_search = true;
      gate.begin_search();
      gate.park([this] { return work_waits() || help_is_wanted(); });
    }
    if (leaves_search && work_waits()) gate.wake_one();
  }
};

TEST(WorkerExploration, WhoIsWokenWakesTheNextWhereMoreIsLeft) {
  auto const found =
      explore_state<endless_state>("drainers: a burst of two requests that never end, two workers; each takes one",
                                   within({2, 1}, {4, 2}), [](execution& run, endless_state& state) {
                                     run.thread([&] {
                                       state.submit(0);
                                       state.submit(1);
                                     });
                                     run.thread([&] { state.work_once(); });
                                     run.thread([&] { state.work_once(); });
                                     run.finally([&] { state.check(); });
                                   });
  expect_exhausted(found);
}

TEST(WorkerExploration, WhoIsWokenToHelpLeavesNoRequestBehind) {
  auto const found = explore_state<endless_state>(
      "drainers: a request, and nested work that wants help, neither of which ends, two workers; each does one",
      within({2, 1}, {3, 2}), [](execution& run, endless_state& state) {
        run.thread([&] { state.want_helper(); });
        run.thread([&] { state.submit(0); });
        run.thread([&] { state.work_once(); });
        run.thread([&] { state.work_once(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

/// What is taken here never ends, so each worker does one thing only: takes a request, or ends, being one too many.
struct resized_state : pool_state {
  mayfly::detail::basic_worker_surplus<explored_atomics> surplus;
  mayfly::explorer::atomic<std::size_t> left{0};
  std::size_t stayed = 0;  // by who resizes

  void let_go(std::size_t count) {
    surplus.add(count);
    gate.wake(static_cast<std::uint32_t>(count));
  }
  /// executor_core::work() up to its end, or the first request.
  void work_once() {
    bool leaves_search = false;
    for (;;) {
      if (surplus.count() != 0 && surplus.claim()) {
        left.fetch_add(1, std::memory_order_relaxed);
        break;
      }
      if (pop()) break;
      if (work_waits()) {
        explored_atomics::pause();
        continue;
      }
      leaves_search = true;
      gate.begin_search();
      gate.park([this] { return work_waits() || surplus.any(); });
    }
    if (leaves_search && work_waits()) gate.wake_one();
  }
};

TEST(WorkerExploration, OneOfTwoWorkersEndsAndTheOtherTakesTheRequest) {
  auto const found = explore_state<resized_state>(
      "resizing: two workers, one of which is to end, and a request that never ends; one ends, the other takes it",
      within({2, 1}, {3, 2}), [](execution& run, resized_state& state) {
        run.thread([&] { state.let_go(1); });
        run.thread([&] { state.submit(0); });
        run.thread([&] { state.work_once(); });
        run.thread([&] { state.work_once(); });
        run.finally([&] {
          require(state.left.load(std::memory_order_relaxed) == 1, "one has ended");
          state.check();
        });
      });
  expect_exhausted(found);
}

TEST(WorkerExploration, AWorkerThatIsWantedAgainHasEndedOrStays) {
  auto const found = explore_state<resized_state>(
      "resizing: two workers, both to end, then one not after all, a request; who is not wanted back has ended",
      within({2, 1}, {3, 2}), [](execution& run, resized_state& state) {
        run.thread([&] {
          state.let_go(2);
          state.stayed = state.surplus.take_back(1);
          if (state.stayed == 1) state.submit(0);
        });
        run.thread([&] { state.work_once(); });
        run.thread([&] { state.work_once(); });
        run.finally([&] {
          require(state.left.load(std::memory_order_relaxed) + state.stayed == 2, "each has ended, or was kept");
          require(state.surplus.count() == 0, "none is owed");
          state.check();
        });
      });
  expect_exhausted(found);
}

/// A scope per request, as submit and drain see it: open while it waits and runs, then not.
struct drained_state : pool_state {
  std::array<mayfly::detail::basic_scope_control<explored_atomics>, 2> scopes;
  std::array<var<int>, 2> destroyed;  // what destructors write

  void open_and_submit(std::uint32_t request) {
    scopes[request].set_free(1);
    scopes[request].start_holds();
    scopes[request].open(1);
    if (push(request)) {
      gate.wake_one();
    } else {
      end(request);
    }
  }
  void end(std::uint32_t request) {
    require(scopes[request].close(1) == scope_end::now, "a request's scope ends with it, or with its refusal");
    destroyed[request] = 1;
    scopes[request].set_free(2);
  }
  void run_all() {
    std::uint32_t request = 0;
    while (!ring.empty()) {
      if (!ring.pop(request)) {
        explored_atomics::pause();
        continue;
      }
      records[request] = 2;
      ++taken[request];
      end(request);
    }
  }
  /// As scope_registry::unfinished().
  [[nodiscard]] bool unfinished() const {
    for (auto const& each : scopes) {
      if (each.look(std::nullopt, [](std::uint64_t) {}, each.tenancy_bits)) return true;
    }
    return false;
  }
};

TEST(DrainExploration, NothingIsAcceptedOrRunsBehindADrain) {
  auto const found = explore_state<drained_state>(
      "drain against submit: once drain sees no unfinished scope, what was accepted has run and its destructors too, "
      "and nothing is accepted later",
      within({2, 1}, {3, 2}), [](execution& run, drained_state& state) {
        run.thread([&] {
          state.open_and_submit(0);
          state.run_all();  // a worker
        });
        run.thread([&] { state.open_and_submit(1); });
        run.thread([&] {
          state.run_all();
          state.ring.close();  // the drain
          state.run_all();
          while (state.unfinished()) explored_atomics::pause();
          for (std::size_t i = 0; i < state.destroyed.size(); ++i) {
            // A request that was refused has ended for its submitter alone.
            if (state.taken[i] != 0) require(state.destroyed[i] == 1, "what destructors did is there");
          }
          require(!state.push(3), "nothing is accepted behind a drain");
        });
        run.finally([&] {
          require(!state.unfinished(), "nothing lives behind a drain");
          state.check();
        });
      });
  expect_exhausted(found);
}

}  // namespace
