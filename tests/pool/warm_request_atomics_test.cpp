#include "single_step.hpp"
#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <optional>

// How many locked instructions a warm request costs, on the thread that submits it and on the worker that runs it. The
// figures are those of docs/performance.md, "Where the cost goes": who changes one changes both.
namespace {

using mayfly::executor;
using mayfly::executor_options;
using mayfly::outcome;
using mayfly::request_context;
using mayfly::test::ignore;
using mayfly::test::mark;
using mayfly::test::roadblock;
using mayfly::test::section;
using mayfly::test::sections;
using mayfly::test::single_stepper;
using mayfly::test::wait_until;

// A slot goes from the worker that freed it to the thread that opens the next request in magazines of 32, which cost
// each side a few more; so many requests see two or three of them.
constexpr std::size_t magazine = 32;
constexpr std::size_t requests = 2 * magazine;
constexpr std::size_t most_magazines = 3;
constexpr std::uint64_t submitting = 1;
constexpr std::uint64_t running = 2;

// In the preset dev two stores of a submission are exchanges, since their order is no constant there: a mutant chooses
// that of the ring's cell; that of the route's address is a call.
#ifdef MAYFLY_MUTANTS
constexpr std::size_t only_in_dev = 2;
#else
constexpr std::size_t only_in_dev = 0;
#endif

/// What each request does.
using body = void (*)(request_context&);

void take_32_bytes(request_context& request) { std::memset(request.arena().allocate(32), 1, 32); }
void take_nothing(request_context&) {}
void add_to_a_counter(request_context&) {
  static std::atomic<std::size_t> counter{0};
  counter.fetch_add(1, std::memory_order_relaxed);  // relaxed: all that matters is that it locks
}

/// Submits `count` requests while the worker is kept from taking any, so that they are all queued.
void submit(executor& pool, std::size_t count, body does) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!pool.try_submit({.route = "warm"}, does, ignore)) {
      _exit(1);
    }
  }
}

/// One submitter, one worker. The worker's section goes from one handler's first instruction to the one so many
/// requests later: each part of a request's run is in it exactly that often, in turn.
void warm_requests(executor_options options, body does) {
  options.workers = 1;
  options.max_in_flight = 256;
  options
      .trim_interval = {};  // stepped through, these requests last for seconds: it would take the worker's idle pages
  executor pool(options);
  for (int round = 0; round < 20; ++round) {
    {
      roadblock const block(pool);
      submit(pool, 200, does);
    }
    wait_until([&] { return pool.stats().in_flight == 0; });
  }
  {
    roadblock const block(pool);
    auto const marked = [&](std::uint64_t section) {
      auto const admitted = pool.try_submit(
          {.route = "warm"},
          [section, does](request_context& request) {
            mark(section);
            does(request);
          },
          ignore);
      if (!admitted) _exit(1);
    };
    marked(running);
    mark(submitting);
    submit(pool, requests, does);
    mark(0);
    marked(0);
  }
  wait_until([&] { return pool.stats().in_flight == 0; });
}

void print(char const* what, section const& counted) {
  std::cout << what << ": " << counted.locked << " locked of " << counted.instructions << " instructions in "
            << requests << " requests\n";
  for (auto const& [address, times] : counted.places) {
    std::cout << "  " << std::hex << address << std::dec << ": " << times << "\n";
  }
}

/// Nothing where the kernel does not let us trace.
std::optional<sections> counted(body does, executor_options const& options = {}) {
  auto found = single_stepper::run([&] { warm_requests(options, does); });
  if (found) {
    print("submitting", (*found)[submitting]);
    print("running", (*found)[running]);
  }
  return found;
}

/// `each` a request, and at most `more` a magazine.
void expect(section const& counted, std::size_t in_requests, std::size_t each, std::size_t more) {
  EXPECT_GE(counted.locked, in_requests * each);
  EXPECT_LE(counted.locked, in_requests * each + most_magazines * more);
}
void expect_submission(sections& found) {
  // A slot's magazine claimed; a place in the ring. A magazine: claimed twice more, and taken from the depot.
  expect(found[submitting], requests, 2 + only_in_dev, 4);
}
void expect_run(sections& found, std::size_t in_the_handler) {
  // Out of the ring; scope closed; a slot's magazine claimed. A magazine: claimed once more, and given to the depot.
  expect(found[running], requests + 1, 3 + in_the_handler, 3);
}

TEST(WarmRequestAtomics, AreTwoOnTheSubmittersSideAndThreeOnTheWorkersForARequestThatTakesNoMemory) {
  auto found = counted(take_nothing);
  if (!found) GTEST_SKIP() << "the kernel does not let us trace a child";
  expect_submission(*found);
  expect_run(*found, 0);
}

TEST(WarmRequestAtomics, AreTwoMoreForAPageOfMemory) {
  auto found = counted(take_32_bytes);
  if (!found) GTEST_SKIP() << "the kernel does not let us trace a child";
  expect_submission(*found);
  expect_run(*found, 2);  // the budget charged, the page in front of the magazines claimed
}

TEST(WarmRequestAtomics, AreTheSameWithoutStatistics) {
  auto found = counted(take_32_bytes, {.statistics = false});
  if (!found) GTEST_SKIP() << "the kernel does not let us trace a child";
  expect_submission(*found);
  expect_run(*found, 2);
}

TEST(WarmRequestAtomics, SeeAPlantedOne) {
  auto found = counted(add_to_a_counter);
  if (!found) GTEST_SKIP() << "the kernel does not let us trace a child";
  expect_run(*found, 1);
}

TEST(LockedInstructions, AreKnownByPrefixAndOpcode) {
  using mayfly::test::locks;
  constexpr std::array<unsigned char, 5> compare_exchange{0xF0, 0x48, 0x0F, 0xB1, 0x16};
  constexpr std::array<unsigned char, 4> prefixed{0x66, 0xF0, 0x01, 0x06};
  constexpr std::array<unsigned char, 3> exchange_with_memory{0x48, 0x87, 0x06};
  constexpr std::array<unsigned char, 2> exchange_of_a_byte{0x86, 0x06};
  constexpr std::array<unsigned char, 3> exchange_of_registers{0x48, 0x87, 0xC6};
  constexpr std::array<unsigned char, 3> store{0x48, 0x89, 0x06};
  EXPECT_TRUE(locks(compare_exchange));
  EXPECT_TRUE(locks(prefixed));
  EXPECT_TRUE(locks(exchange_with_memory));
  EXPECT_TRUE(locks(exchange_of_a_byte));
  EXPECT_FALSE(locks(exchange_of_registers));
  EXPECT_FALSE(locks(store));
}

}  // namespace
