// A slot of the scope registry (scopes/): opening, finding, pinning, cancelling, holding and closing, in every
// interleaving. The scope's memory is a plain variable: whoever tears it down writes it, whoever may look reads it.

#include "exploration.hpp"
#include <mayfly/detail/scope_control.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>

namespace {

using namespace mayfly::explorer;  // NOLINT(google-build-using-namespace): a test of it
using mayfly::detail::scope_end;

constexpr std::uint64_t first = 7;  // generations
constexpr std::uint64_t second = 8;

/// One slot, driven as scope_registry and scope drive it.
struct slot {
  mayfly::detail::basic_scope_control<explored_atomics> control;
  mayfly::detail::basic_slot_field<explored_atomics, std::uint64_t> route{0};
  mayfly::detail::basic_slot_field<explored_atomics, std::uint64_t> deadline{0};
  var<std::uint64_t> memory{0};
  mayfly::explorer::atomic<std::uint32_t> torn_down{0};

  void open(std::uint64_t generation) {
    require(control.next_generation() == generation, "the slot names its next tenant");
    control.start_holds();
    route.publish(generation);
    deadline.publish(generation);
    memory = generation;
    control.open(generation);
  }
  void after(scope_end end) {
    if (end != scope_end::now) return;
    torn_down.fetch_add(1, std::memory_order_relaxed);
    memory = memory + 100;  // destructors
    control.set_free(second);
  }
  void close(std::uint64_t generation) {
    scope_end const end = control.close(generation);
    after(end == scope_end::held ? control.drop_hold() : end);
  }
  void pin_and_look(std::uint64_t generation) {
    if (!control.try_pin(generation)) return;
    require(memory == generation, "a pinned scope's memory is its own");
    after(control.unpin());
  }
  /// All fields are of one tenancy, the wanted one's if there is one.
  void find(std::optional<std::uint64_t> wanted) const {
    std::uint64_t generation = 0;
    std::array<std::uint64_t, 2> fields{};
    auto const found = control.look(wanted, [&](std::uint64_t of) {
      generation = of;
      fields = {route.read(), deadline.read()};
    });
    if (!found) return;
    require(!wanted || generation == *wanted, "only the wanted tenant is found");
    require(fields[0] == generation && fields[1] == generation, "all fields are the found tenant's");
  }
  void require_torn_down(std::uint32_t times) const {
    require(torn_down.load(std::memory_order_relaxed) == times, "the memory is torn down exactly once a tenancy");
  }
};

TEST(ScopeExploration, ThePinnedScopeKeepsItsMemoryAndIsTornDownOnce) {
  auto const found = explore_state<slot>(
      "registry: two pins against close; memory is never seen torn down, and is torn down exactly once",
      within({3, 1}, {12, 6}), [](execution& run, slot& state) {
        state.control.set_free(first);
        state.open(first);
        run.thread([&] { state.close(first); });
        run.thread([&] { state.pin_and_look(first); });
        run.thread([&] { state.pin_and_look(first); });
        run.finally([&] {
          state.require_torn_down(1);
          require(!state.control.try_pin(first), "a stale id is refused");
        });
      });
  expect_exhausted(found);
}

TEST(ScopeExploration, AStaleIdNeverFindsTheSlotsNextTenant) {
  auto const found = explore_state<slot>(
      "registry: find, pin and cancel by id against close and the slot's next tenant; a stale id is refused, and what "
      "is found is of one tenancy",
      within({2, 1}, {5, 3}), [](execution& run, slot& state) {
        state.control.set_free(first);
        state.open(first);
        run.thread([&] {
          state.close(first);
          state.open(second);
        });
        run.thread([&] {
          state.find(first);
          state.find(std::nullopt);
        });
        run.thread([&] {
          if (state.control.request_cancel(first)) return;
          state.find(second);
        });
        run.finally([&] {
          state.require_torn_down(1);
          auto const word = state.control.load(std::memory_order_relaxed);
          require((word & state.control.cancelled_bit) == 0,
                  "cancelling the one before does not reach the next tenant");
          require(state.control.is_live(word, second), "the next tenant lives");
        });
      });
  expect_exhausted(found);
}

TEST(ScopeExploration, AHeldScopeEndsOnceWhoeverLetsGoLast) {
  auto const found = explore_state<slot>(
      "scope_hold: two holds and a pin against close; the last part ends the scope, exactly once, and sees what the "
      "others wrote",
      within({3, 1}, {12, 6}), [](execution& run, slot& state) {
        state.control.set_free(first);
        state.open(first);
        state.control.hold();
        run.thread([&] { state.close(first); });
        run.thread([&] {
          state.control.hold();  // from the hold that it has
          state.memory = first;  // inside the scope
          state.after(state.control.drop_hold());
          state.after(state.control.drop_hold());
        });
        run.thread([&] {
          if (state.control.try_pin(first)) state.after(state.control.unpin());
        });
        run.finally([&] { state.require_torn_down(1); });
      });
  expect_exhausted(found);
}

TEST(ScopeExploration, OneOfTwoClosersClosesAndACancelIsTold) {
  auto const found = explore_state<slot>("registry: two closes of one id and a cancel; the scope ends exactly once",
                                         within({5, 2}, {12, 6}), [](execution& run, slot& state) {
                                           state.control.set_free(first);
                                           state.open(first);
                                           run.thread([&] { state.close(first); });
                                           run.thread([&] { state.close(first); });
                                           run.thread([&] { state.control.request_cancel(first); });
                                           run.finally([&] { state.require_torn_down(1); });
                                         });
  expect_exhausted(found);
}

}  // namespace
