#include "escape_support.hpp"
#include "support.hpp"
#include <mayfly/escape_refused.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>

// What leaves a request by a submission or a future is looked at (MF-E11, MF-E12).
namespace mayfly {
namespace {

using test::heard_escapes;
using test::ignore;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Runs `body` inside a request and gives what it returns.
template <class Body>
auto in_request(executor& pool, Body&& body) {
  return pool.run({.route = "outer"}, std::forward<Body>(body)).value();
}

/// The next allocation, of 16 bytes and with their alignment, does not look like a bool with stale bytes behind it, as
/// one in 16 does: Clang cannot clear padding, and passes those over.
void pass_over_bools(arena& memory) {
  while ((reinterpret_cast<std::uintptr_t>(memory.allocate(16)) + 16) % 256 == 0) {
  }
}

/// Asks `pool` for a request that does nothing, from wherever it is called.
template <class Closure>
admission_reason reason_for(executor& pool, Closure&& closure) {
  return pool.try_submit({.route = "inner"}, std::forward<Closure>(closure), ignore).reason();
}

/// Whoever waits for everything to have ended.
void settle(executor& pool) {
  test::wait_until([&] { return pool.stats().in_flight == 0; });
}

// ---- MF-E11: closures

TEST(EgressOfClosures, AnAddressOfTheSubmittersScopeIsRefusedAndReported) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  struct seen {
    admission_reason reason;
    std::uintptr_t address;
    scope_id id;
  };
  std::atomic<bool> ran{false};
  seen const from = in_request(pool, [&](request_context& request) {
    int* const number = request.arena().make<int>(5);
    auto const reason = reason_for(pool, [&ran, number](request_context&) { ran = *number == 5; });
    return seen{reason, ~reinterpret_cast<std::uintptr_t>(number), request.id()};
  });
  EXPECT_EQ(from.reason, admission_reason::escapes);
  auto const reports = heard.reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].rule, escape_rule::closure_sent);
  EXPECT_EQ(~reinterpret_cast<std::uintptr_t>(reports[0].address), from.address);
  EXPECT_EQ(reports[0].scope, from.id);
  EXPECT_EQ(reports[0].route, "outer");
  EXPECT_EQ(reports[0].offset, sizeof(void*)) << "the second capture";
  EXPECT_NE(reports[0].opened_thread, 0);
  settle(pool);
  EXPECT_FALSE(ran);
  EXPECT_EQ(pool.stats().refused_escapes, 1U);
  EXPECT_EQ(pool.stats().refused(), 1U);
}

TEST(EgressOfClosures, ARefusedClosureIsDestroyedAndItsScopeClosed) {
  heard_escapes const heard;
  executor pool{{.workers = 1, .max_in_flight = 2}};
  auto const witness = std::make_shared<int>(1);
  in_request(pool, [&](request_context& request) {
    pass_over_bools(request.arena());
    char* const text = request.arena().make<char>('x');
    for (int i = 0; i < 100; ++i) {  // two slots: a scope that stays open shows
      EXPECT_EQ(reason_for(pool, [text, witness](request_context&) { return *text; }), admission_reason::escapes);
      EXPECT_EQ(witness.use_count(), 1);
    }
  });
  EXPECT_EQ(heard.reports().size(), 100U);
}

TEST(EgressOfClosures, TheFutureOfARefusedOneSaysWhy) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    int* const number = request.arena().make<int>(5);
    auto future = pool.submit("inner", [number](request_context&) { return *number; });
    try {
      future.get();
      ADD_FAILURE() << "it was accepted";
    } catch (escape_refused const& refused) {
      EXPECT_EQ(refused.rule(), escape_rule::closure_sent);
      EXPECT_EQ(refused.scope(), request.id());
      EXPECT_THAT(refused.what(), HasSubstr("MF-E11"));
      EXPECT_THAT(refused.what(), HasSubstr("route=\"outer\""));
      EXPECT_THAT(refused.what(), HasSubstr("way out"));
    }
  });
}

TEST(EgressOfClosures, CompletionsAndRoutesAreLookedAtToo) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    int* const number = request.arena().make<int>(5);
    auto const completion = [number](auto const&, request_context&) { static_cast<void>(*number); };
    EXPECT_EQ(pool.try_submit({}, [](request_context&) {}, completion).reason(), admission_reason::escapes);
    std::pmr::string const route{"a route that is longer than a short string may be", request.memory()};
    EXPECT_EQ(pool.try_submit({.route = route}, [](request_context&) {}, ignore).reason(), admission_reason::escapes);
  });
}

TEST(EgressOfClosures, ContainersInTheArenaAreFoundByTheirPointers) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    pass_over_bools(request.arena());
    std::pmr::string text{"a text that is longer than a short string may be", request.memory()};
    EXPECT_EQ(reason_for(pool, [text = std::move(text)](request_context&) { return text.size(); }),
              admission_reason::escapes);
  });
}

TEST(EgressOfClosures, AClosureTooLargeForTheRecordIsLookedAtWhereItLies) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    std::array<int*, 40> pointers{};
    pointers.back() = request.arena().make<int>(5);
    EXPECT_EQ(reason_for(pool, [pointers](request_context&) { return *pointers.back(); }), admission_reason::escapes);
    ASSERT_EQ(heard.reports().size(), 1U);
    EXPECT_EQ(heard.reports()[0].offset, 39 * sizeof(int*));
  });
}

TEST(EgressOfClosures, LogReportsAndLetsItGo) {
  heard_escapes const heard;
  executor pool{{.workers = 2, .egress = egress_action::log}};
  int const got = in_request(pool, [&](request_context& request) {
    int* const number = request.arena().make<int>(5);
    return pool.submit("inner", [number](request_context&) { return *number; }).get();
  });
  EXPECT_EQ(got, 5);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::closure_sent));
}

TEST(EgressOfClosuresDeathTest, AbortEndsTheProcessAfterTheReport) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        executor pool({.workers = 1, .egress = egress_action::abort});
        in_request(pool, [&](request_context& request) {
          int* const number = request.arena().make<int>(5);
          static_cast<void>(reason_for(pool, [number](request_context&) { return *number; }));
        });
      },
      "MF-E11");
}

/// A scope of the embedder's own, on a thread of its own: what counts is the scope, not the executor.
TEST(EgressOfClosures, AScopeOutsideTheExecutorIsAScopeToo) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  page_pool pages;
  scope_registry registry{pages};
  scope* const mine = registry.open({.route = "mine"});
  {
    scope_entry const inside{*mine};
    int* const number = mine->make<int>(5);
    EXPECT_EQ(reason_for(pool, [number](request_context&) { return *number; }), admission_reason::escapes);
    EXPECT_EQ(pool.run({}, [number](request_context&) { return *number; }).value(), 5) << "run() waits for it";
  }
  mine->close();
  EXPECT_EQ(heard.reports().size(), 1U);
}

// ---- legal closures

TEST(EgressOfClosures, WithoutASubmittingScopeNothingIsLookedAt) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  page_pool& pages = pool.pages();
  page_span const page = pages.take_page(0);
  void* const address = page.data;
  EXPECT_EQ(reason_for(pool, [address](request_context&) { return address; }), admission_reason::accepted);
  settle(pool);
  pages.give_page(0, page.index);
  EXPECT_THAT(heard.reports(), IsEmpty());
}

TEST(EgressOfClosures, WhatAServerCapturesGoesThrough) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  auto const state = std::make_shared<std::string>("server");
  std::string const name = "short";
  std::string const text(100, 'x');
  in_request(pool, [&](request_context& request) {
    static_cast<void>(request.arena().make<int>(1));
    std::uint64_t const number = pool.workers();
    EXPECT_EQ(
        reason_for(pool, [&pool, state, name, text, number](request_context&) { return pool.workers() + number; }),
        admission_reason::accepted);
    // 400 bytes: it lies in the new request's own arena, and the short string in it points to itself.
    std::array<std::byte, 400> bulk{};
    EXPECT_EQ(reason_for(pool, [bulk, name, state](request_context&) { return bulk[0]; }), admission_reason::accepted);
  });
  settle(pool);
  EXPECT_THAT(heard.reports(), IsEmpty());
}

TEST(EgressOfClosures, WhoBringsAHoldMayPointIntoWhatItHolds) {
  heard_escapes const heard;
  executor pool{{.workers = 2}};
  auto read = std::make_shared<std::promise<int>>();
  auto got = read->get_future();
  in_request(pool, [&](request_context& request) {
    int* const number = request.arena().make<int>(7);
    EXPECT_EQ(reason_for(pool, [hold = std::make_shared<int>(0), keep = request.hold(), number,
                                read](request_context&) { read->set_value(*number); }),
              admission_reason::accepted);
    EXPECT_EQ(reason_for(pool, [number](request_context&) { return *number; }), admission_reason::escapes)
        << "somebody else's hold is none of this one's";
  });
  EXPECT_EQ(got.get(), 7);
  EXPECT_EQ(heard.reports().size(), 1U);
}

#if defined(__GNUC__)
#define MAYFLY_TEST_NOINLINE [[gnu::noinline]]
#endif

/// Leaves `word` all over the stack below the caller.
MAYFLY_TEST_NOINLINE void dirty_stack(void* word) {
  std::array<void* volatile, 512> stale{};
  for (auto& each : stale) each = word;
}

/// A closure with a bool in front of seven bytes of padding, made on a dirty stack: the stale word shines through.
MAYFLY_TEST_NOINLINE admission_reason submit_small_members(executor& pool, bool flag, short port) {
  void const* const self = &pool;
  return reason_for(pool, [self, flag](request_context&) { return flag && self != nullptr; }) ==
                 admission_reason::accepted
             ? reason_for(pool, [port, self](request_context&) { return port != 0 && self != nullptr; })
             : admission_reason::escapes;
}

TEST(EgressOfClosures, StaleWordsInPaddingAreNoAddresses) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  for (int i = 0; i < 100; ++i) {
    in_request(pool, [&](request_context& request) {
      auto const address = reinterpret_cast<std::uintptr_t>(request.arena().allocate(64));
      dirty_stack(reinterpret_cast<void*>(address));
      EXPECT_EQ(submit_small_members(pool, i % 2 == 0, 1), admission_reason::accepted);
    });
  }
  EXPECT_THAT(heard.reports(), IsEmpty());
}

/// The second closure is made where the first one was, and writes only the first byte of the word that was its pointer.
TEST(EgressOfClosures, WhatARefusedClosureLeftBehindIsNoAddress) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  auto const state = std::make_shared<int>(1);
  in_request(pool, [&](request_context& request) {
    pass_over_bools(request.arena());
    void* const address = request.arena().allocate(64);
    EXPECT_EQ(reason_for(pool, [address, state](request_context&) { return address; }), admission_reason::escapes);
    bool const flag = *state == 1;
    EXPECT_EQ(reason_for(pool, [flag, state](request_context&) { return flag; }), admission_reason::accepted);
  });
  settle(pool);
  EXPECT_EQ(heard.reports().size(), 1U);
}

TEST(EgressOfClosures, ANumberThatHappensToNameAnIdlePageIsNoAddress) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    static_cast<void>(request.arena().make<int>(1));
    auto const far = reinterpret_cast<std::uintptr_t>(pool.pages().page_address(0)) + (std::uintptr_t{1} << 33U);
    EXPECT_TRUE(pool.pages().contains(reinterpret_cast<void*>(far)));
    EXPECT_EQ(reason_for(pool, [far](request_context&) { return far; }), admission_reason::accepted);
  });
  EXPECT_THAT(heard.reports(), IsEmpty());
}

// ---- MF-E12: results

TEST(EgressOfResults, ASharedPtrIntoTheArenaDoesNotGetIntoTheFuture) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  scope_id id;
  auto future = pool.submit("leaky", [&id](request_context& request) {
    id = request.id();
    return std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{request.memory()}, 5);
  });
  EXPECT_THROW(future.get(), escape_refused);
  auto const reports = heard.reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].rule, escape_rule::result_sent);
  EXPECT_EQ(reports[0].scope, id);
  EXPECT_EQ(reports[0].route, "leaky");
}

TEST(EgressOfResults, NorDoesAnAddressInAnInteger) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  auto const launder = [](request_context& request) {
    return reinterpret_cast<std::uintptr_t>(request.arena().make<int>(5));
  };
  EXPECT_THROW(pool.submit("leaky", launder).get(), escape_refused);
  auto const blocking = pool.run({.route = "leaky"}, launder);
  EXPECT_EQ(blocking.kind(), outcome_kind::exception);
  EXPECT_THROW(std::rethrow_exception(blocking.error()), escape_refused);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::result_sent, escape_rule::result_sent));
}

TEST(EgressOfResults, NorDoesAnExceptionPtrWhoseExceptionPointsThere) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  auto const keeps = [](request_context& request) { return std::make_exception_ptr(request.arena().make<int>(5)); };
  EXPECT_THROW(static_cast<void>(pool.submit("leaky", keeps).get()), escape_refused);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::result_sent));
  auto const fine = [](request_context&) { return std::make_exception_ptr(std::runtime_error{"the heap's"}); };
  EXPECT_THROW(std::rethrow_exception(pool.submit("fine", fine).get()), std::runtime_error);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::result_sent));
}

TEST(EgressOfResults, ALoggedOneArrives) {
  heard_escapes const heard;
  executor pool{{.workers = 1, .egress = egress_action::log}};
  std::uintptr_t made = 0;
  auto const got = in_request(pool, [&made](request_context& request) {
    return made = reinterpret_cast<std::uintptr_t>(request.arena().make<int>(5));
  });
  EXPECT_EQ(got, made);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::result_sent));
}

TEST(EgressOfResults, DetachedResultsArriveWithoutAReport) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  EXPECT_EQ(*pool.submit("fine", [](request_context&) { return std::make_shared<int>(6); }).get(), 6);
  EXPECT_EQ(pool.submit("fine", [](request_context&) { return std::string(50, 'x'); }).get().size(), 50U);
  EXPECT_EQ(pool.run({}, [](request_context&) { return std::uint64_t{0xffff'ffff'ffff}; }).value(), 0xffff'ffff'ffff);
  EXPECT_THAT(heard.reports(), IsEmpty());
}

}  // namespace
}  // namespace mayfly
