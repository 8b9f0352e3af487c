#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <latch>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using mayfly::admission_reason;
using mayfly::executor;
using mayfly::outcome;
using mayfly::outcome_kind;
using mayfly::request_context;
using mayfly::test::ignore;
using mayfly::test::roadblock;
using mayfly::test::wait_until;

// A request's context stays where it is, and is nobody's to make on the heap: also not as part of a class of theirs.
static_assert(!std::is_copy_constructible_v<request_context> && !std::is_move_constructible_v<request_context>);
static_assert(!std::is_copy_assignable_v<request_context> && !std::is_move_assignable_v<request_context>);
struct heir : request_context {
  heir();
};
struct not_its_heir {
  not_its_heir();
};
template <class T>
concept Newable = requires { new T; };
template <class T>
concept ArrayNewable = requires { new T[2]; };
static_assert(!Newable<heir> && !ArrayNewable<heir> && Newable<not_its_heir>);
// Nor is a task group.
struct heir_of_group : mayfly::task_group {
  heir_of_group();
};
static_assert(!Newable<heir_of_group> && !ArrayNewable<heir_of_group>);

/// What a completion was told.
struct ending {
  std::atomic<int> completions{0};
  std::atomic<outcome_kind> kind{};

  auto completion() {
    return [this](auto const& end, request_context&) {
      kind = end.kind();
      completions.fetch_add(1);
    };
  }
};

TEST(Executor, RunsAHandlerAndGivesItsDetachedResult) {
  executor pool{{.workers = 2}};
  auto answer = pool.submit("greet", [](request_context& request) {
    std::pmr::vector<std::pmr::string> words{request.memory()};
    words.emplace_back("a string too long to live inside its object");
    return mayfly::detach(words.front());
  });
  static_assert(std::is_same_v<decltype(answer), std::future<std::string>>);
  EXPECT_EQ(answer.get(), "a string too long to live inside its object");
}

TEST(Executor, LetsTheCompletionReadTheAnswerInTheArena) {
  executor pool{{.workers = 1}};
  std::promise<std::string> read;
  auto const admitted = pool.try_submit(
      {.route = "view"}, [](request_context& request) { return request.arena().copy("where it lies"); },
      [&](outcome<std::string_view> const& view, request_context& request) {
        EXPECT_EQ(mayfly::current_scope(), &request.scope());
        EXPECT_EQ(request.route(), "view");
        EXPECT_EQ(request.scope().phase(), mayfly::scope_phase::completing);
        EXPECT_EQ(view->size(), 13U);
        read.set_value(std::string(view.value()));
      });
  ASSERT_TRUE(admitted);
  EXPECT_EQ(admitted.reason(), admission_reason::accepted);
  EXPECT_TRUE(admitted.id());
  EXPECT_EQ(read.get_future().get(), "where it lies");
}

TEST(Executor, TakesResultsThatCannotBeMovedOrAreReferencesOrNothing) {
  executor pool{{.workers = 1}};
  struct pinned {
    explicit pinned(int v) : value(v) {}
    pinned(pinned&&) = delete;
    int value;
  };
  int mine = 5;
  std::atomic<int> seen{0};
  ASSERT_TRUE(pool.try_submit(
      {}, [](request_context&) { return pinned{7}; },
      [&](outcome<pinned> const& end, request_context&) { seen += end->value; }));
  ASSERT_TRUE(pool.try_submit(
      {}, [&mine](request_context&) -> int& { return mine; },
      [&](outcome<int&> const& end, request_context&) { seen += ++end.value(); }));
  ASSERT_TRUE(pool.try_submit(
      {}, [](request_context&) {},
      [&](outcome<void> const& end, request_context&) { seen += end.has_value() ? 100 : 0; }));
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(seen.load(), 7 + 6 + 100);
  EXPECT_EQ(mine, 6);
}

TEST(Executor, EndsWithWhateverTheHandlerThrew) {
  executor pool{{.workers = 1}};
  EXPECT_THROW(pool.submit("a", [](request_context&) -> int { throw std::domain_error("no"); }).get(),
               std::domain_error);
  EXPECT_THROW(pool.submit("b", [](request_context&) -> int { throw 42; }).get(), int);
  ending end;
  ASSERT_TRUE(pool.try_submit({}, [](request_context&) { throw "a literal"; }, end.completion()));
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(end.kind.load(), outcome_kind::exception);
  EXPECT_EQ(end.completions.load(), 1);
  EXPECT_EQ(pool.stats().exceptions, 3U);
}

TEST(Executor, SurvivesACompletionThatThrowsAndCountsIt) {
  executor pool{{.workers = 1}};
  ASSERT_TRUE(pool.try_submit(
      {}, [](request_context&) { return 1; },
      [](outcome<int> const&, request_context&) { throw std::runtime_error("unasked"); }));
  EXPECT_EQ(pool.run({}, [](request_context&) { return 2; }).value(), 2);
  EXPECT_EQ(pool.stats().completion_failures, 1U);
}

TEST(Executor, RefusesTheFirstRequestThatDoesNotFitInTheQueue) {
  executor pool{{.workers = 1, .max_in_flight = 20, .max_queued = 3}};
  roadblock block(pool);
  std::atomic<int> ran{0};
  auto const one = [&](request_context&) { ++ran; };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.try_submit({}, one, ignore)) << "the last that fits";
  auto const refused = pool.try_submit({}, one, ignore);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.reason(), admission_reason::queue_full);
  EXPECT_FALSE(refused.id());
  // each priority has its own bound
  EXPECT_TRUE(pool.try_submit({.priority = mayfly::priority::high}, one, ignore));
  EXPECT_TRUE(pool.try_submit({.priority = mayfly::priority::low}, one, ignore));
  block.open();
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(ran.load(), 5);
  EXPECT_EQ(pool.stats().refused_queue_full, 1U);
}

TEST(Executor, RefusesWhenAsManyAreInFlightAsItHasSlots) {
  executor pool{{.workers = 1, .max_in_flight = 2}};
  roadblock block(pool);
  EXPECT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore));
  EXPECT_EQ(pool.try_submit({}, [](request_context&) {}, ignore).reason(), admission_reason::queue_full);
  block.open();
  wait_until([&] { return pool.stats().in_flight == 0; });
  EXPECT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore));
}

TEST(Executor, RefusesAFutureWithItsReason) {
  executor pool{{.workers = 1, .max_in_flight = 1}};
  roadblock block(pool);
  auto refused = pool.submit("late", [](request_context&) { return 1; });
  try {
    refused.get();
    FAIL() << "nothing thrown";
  } catch (mayfly::refused_error const& error) {
    EXPECT_EQ(error.reason(), admission_reason::queue_full);
    EXPECT_THAT(error.what(), testing::HasSubstr("queue_full"));
  }
}

TEST(Executor, DestroysARefusedRequestsClosuresBeforeItReturns) {
  executor pool{{.workers = 1, .max_in_flight = 20, .max_queued = 1}};
  roadblock block(pool);
  auto const witness = std::make_shared<int>(1);
  auto const submit = [&] {
    return pool.try_submit({}, [witness](request_context&) {}, [witness](auto const&, request_context&) {});
  };
  EXPECT_TRUE(submit());
  EXPECT_EQ(witness.use_count(), 1 + 2) << "mine, and those of the accepted request's two closures";
  EXPECT_FALSE(submit());
  EXPECT_EQ(witness.use_count(), 1 + 2);
  block.open();
  wait_until([&] { return pool.stats().in_flight == 0; });
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Executor, TakesNothingWhenCopyingTheHandlerThrows) {
  executor pool{{.workers = 1, .max_in_flight = 1}};
  struct handler {
    handler() = default;
    handler(handler const&) { throw std::runtime_error("cannot be copied"); }
    void operator()(request_context&) const {}
  };
  handler const one;
  EXPECT_THROW(static_cast<void>(pool.try_submit({}, one, ignore)), std::runtime_error);
  EXPECT_EQ(pool.stats().in_flight, 0U);
  EXPECT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore)) << "its only slot is free again";
}

TEST(Executor, RunsClosuresOfAnySizeAndAlignment) {
  executor pool{{.workers = 1}};
  std::atomic<int> good{0};
  auto const with_bytes = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
    std::array<unsigned char, N> bytes;
    bytes.fill(static_cast<unsigned char>(N));
    ASSERT_TRUE(pool.try_submit(
        {},
        [bytes, &good](request_context&) {
          good += bytes.front() == static_cast<unsigned char>(N) && bytes.back() == bytes.front();
        },
        ignore));
  };
  with_bytes(std::integral_constant<std::size_t, 1>{});
  with_bytes(std::integral_constant<std::size_t, 96>{});
  with_bytes(std::integral_constant<std::size_t, 112>{});
  with_bytes(std::integral_constant<std::size_t, 128>{});
  with_bytes(std::integral_constant<std::size_t, 129>{});
  with_bytes(std::integral_constant<std::size_t, 5'000>{});
  with_bytes(std::integral_constant<std::size_t, 300'000>{});
  struct alignas(256) wide {
    int value = 3;
  };
  ASSERT_TRUE(pool.try_submit(
      {},
      [w = wide{}, &good](request_context&) {
        good += w.value == 3 && reinterpret_cast<std::uintptr_t>(&w) % 256 == 0;
      },
      ignore));
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(good.load(), 8);
}

TEST(Executor, RefusesAClosureLargerThanTheRequestsBudget) {
  executor pool{{.workers = 1, .request_bytes = 64 << 10}};
  std::array<char, 100'000> big{};
  auto const handler = [big](request_context&) { static_cast<void>(big); };
  EXPECT_EQ(pool.try_submit({}, handler, ignore).reason(), admission_reason::over_budget);
  EXPECT_TRUE(pool.try_submit({.request_bytes = 1 << 20}, handler, ignore)) << "one request may have more";
}

TEST(Executor, EndsARequestThatPassesItsByteBudgetWithAnException) {
  executor pool{{.workers = 1, .request_bytes = 256 << 10}};
  auto const result = pool.run({}, [](request_context& request) {
    for (;;) static_cast<void>(request.arena().allocate(1'000));
  });
  EXPECT_EQ(result.kind(), outcome_kind::exception);
  EXPECT_THROW(std::rethrow_exception(result.error()), mayfly::allocation_error);
}

TEST(Executor, RefusesOverBudgetWhileTheRequestsInFlightHoldAllPages) {
  executor pool{{.workers = 1, .page_budget_bytes = 2 << 20}};
  std::latch full(1);
  std::latch go_on(1);
  ASSERT_TRUE(pool.try_submit(
      {},
      [&](request_context& request) {
        while (request.arena().try_allocate(16'000) != nullptr) {
        }
        full.count_down();
        go_on.wait();
      },
      ignore));
  full.wait();
  EXPECT_EQ(pool.try_submit({}, [](request_context&) {}, ignore).reason(), admission_reason::over_budget);
  go_on.count_down();
  wait_until([&] { return pool.pages().stats().pages_in_use() == 0; });
  EXPECT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore)) << "idle pages are room";
  EXPECT_EQ(pool.stats().refused_over_budget, 1U);
}

TEST(Executor, RefusesABlockingCallOnItsOwnWorkerAndTakesItOnAnothers) {
  executor pool{{.workers = 1}};
  executor other{{.workers = 1}};
  EXPECT_FALSE(pool.on_worker());
  auto const outer = pool.run({}, [&](request_context&) {
    EXPECT_TRUE(pool.on_worker());
    EXPECT_FALSE(other.on_worker());
    EXPECT_EQ(pool.run({}, [](request_context&) { return 1; }).reason(), admission_reason::on_worker);
    EXPECT_THROW(pool.drain(1s, 1s), std::logic_error);
    return other.run({}, [](request_context&) { return 2; }).value();
  });
  ASSERT_TRUE(outer.has_value());
  EXPECT_EQ(std::move(outer).has_value(), true);
  EXPECT_EQ(pool.stats().refused_other, 1U);
}

TEST(Executor, LetsAHandlerSubmitMoreRequests) {
  executor pool{{.workers = 1}};
  std::promise<int> done;
  ASSERT_TRUE(pool.try_submit(
      {},
      [&](request_context&) { EXPECT_TRUE(pool.try_submit({}, [&](request_context&) { done.set_value(3); }, ignore)); },
      ignore));
  EXPECT_EQ(done.get_future().get(), 3);
}

TEST(Executor, GivesEachRequestItsIdAndScope) {
  executor pool{{.workers = 2}};
  std::promise<mayfly::scope_id> told;
  auto const admitted = pool.try_submit(
      {.route = "me"},
      [&](request_context& request) {
        EXPECT_EQ(mayfly::current_scope(), &request.scope());
        EXPECT_EQ(request.scope().phase(), mayfly::scope_phase::running);
        auto const info = pool.registry().find(request.id());
        EXPECT_TRUE(info.has_value() && info->route == "me");
        told.set_value(request.id());
      },
      ignore);
  EXPECT_EQ(told.get_future().get(), admitted.id());
  wait_until([&] { return !pool.registry().find(admitted.id()).has_value(); });
  EXPECT_FALSE(pool.request_cancel(admitted.id())) << "it has ended";
}

TEST(Executor, KeepsAHeldScopeUntilAnotherThreadLetsItGo) {
  executor pool{{.workers = 1}};
  struct kept {
    mayfly::scope_hold hold;
    std::string_view text;
  };
  std::promise<kept> given;
  ASSERT_TRUE(pool.try_submit(
      {}, [](request_context& request) { return request.arena().copy("still here"); },
      [&](outcome<std::string_view> const& end, request_context& request) {
        given.set_value({request.hold(), *end});
      }));
  kept mine = given.get_future().get();
  wait_until([&] { return mine.hold->phase() == mayfly::scope_phase::held; });
  EXPECT_EQ(mine.text, "still here");
  EXPECT_EQ(pool.stats().in_flight, 1U);
  mine.hold.release();
  EXPECT_EQ(pool.stats().in_flight, 0U);
}

TEST(Executor, CompletesEveryAcceptedRequestOnceUnderManySubmitters) {
  executor pool{{.workers = 2, .max_in_flight = 64, .max_queued = 16}};
  constexpr int submitters = 3;
  constexpr int each = 20'000;
  std::vector<std::atomic<int>> completions(submitters * each);
  std::atomic<int> accepted{0};
  std::vector<std::jthread> threads;
  for (int s = 0; s < submitters; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i) {
        auto const which = static_cast<std::size_t>(s * each + i);
        auto const prio = static_cast<mayfly::priority>(i % 3);
        auto const admitted = pool.try_submit(
            {.route = "storm", .priority = prio},
            [which](request_context& request) {
              auto* const mine = static_cast<std::size_t*>(request.arena().allocate(64));
              *mine = which;
              return mine;
            },
            [&](outcome<std::size_t*> const& end, request_context&) { completions[**end].fetch_add(1); });
        if (admitted) {
          accepted.fetch_add(1);
        } else {
          completions[which].fetch_add(1);  // so that all are 1 at the end
          std::this_thread::yield();
        }
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  for (auto const& count : completions) ASSERT_EQ(count.load(), 1);
  auto const stats = pool.stats();
  EXPECT_EQ(stats.accepted, static_cast<std::uint64_t>(accepted.load()));
  EXPECT_EQ(stats.values, stats.accepted);
  EXPECT_EQ(stats.queue_wait.count(), stats.accepted);
}

}  // namespace
