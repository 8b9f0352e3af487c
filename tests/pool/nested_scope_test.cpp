#include "escape_support.hpp"
#include "support.hpp"
#include <mayfly/escape_refused.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/scope_registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>

// request_context::nested(): scopes inside a request's (MF-E16).
namespace mayfly {
namespace {

using test::heard_escapes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Runs `body` in a request of an executor with one worker, and expects that it ended well.
template <class Body>
void in_request(Body&& body, egress_action action = egress_action::refuse) {
  executor pool{{.workers = 1, .egress = action}};
  auto const end = pool.run({.route = "outer"}, std::forward<Body>(body));
  if (end.error()) std::rethrow_exception(end.error());
  EXPECT_TRUE(end.has_value());
}

TEST(NestedScope, HasMemoryOfItsOwnThatGoesWhenItIsDone) {
  in_request([](request_context& request) {
    static_cast<void>(request.arena().make<int>(1));
    std::size_t const before = request.scope().reserved_bytes();
    bool gone = false;
    struct farewell {
      bool* gone;
      ~farewell() { *gone = true; }
    };
    int const got = request.nested([&](request_context& inner) {
      EXPECT_NE(inner.id(), request.id());
      EXPECT_EQ(inner.route(), "outer");
      EXPECT_EQ(current_scope(), &inner.scope());
      EXPECT_EQ(inner.scope().parent(), &request.scope());
      inner.arena().make<farewell>(&gone);
      static_cast<void>(inner.arena().allocate(100'000));
      EXPECT_FALSE(gone);
      return 7;
    });
    EXPECT_EQ(got, 7);
    EXPECT_TRUE(gone) << "its destructors have run";
    EXPECT_EQ(request.scope().reserved_bytes(), before);
    EXPECT_EQ(current_scope(), &request.scope());
    EXPECT_NE(request.arena().make<int>(2), nullptr) << "the arena around it goes on";
  });
}

TEST(NestedScope, ItsIdIsRefusedAfterwardsAndItsPagesComeHome) {
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.run({}, [&](request_context& request) {
    auto const pages = pool.pages().stats().pages_in_use();
    scope_id id;
    request.nested([&](request_context& inner) {
      id = inner.id();
      static_cast<void>(inner.arena().allocate(1'000));
      EXPECT_TRUE(pool.registry().find(id));
    });
    EXPECT_FALSE(pool.registry().find(id));
    EXPECT_EQ(pool.pages().stats().pages_in_use(), pages);
  }));
}

TEST(NestedScope, NestsToAnyDepth) {
  in_request([](request_context& request) {
    auto const deeper = [](auto const& self, request_context& here, int depth) -> int {
      return depth == 0 ? 0 : 1 + here.nested([&](request_context& inner) { return self(self, inner, depth - 1); });
    };
    EXPECT_EQ(deeper(deeper, request, 50), 50);
  });
}

TEST(NestedScope, ParallelWorkInItRunsInIt) {
  in_request([](request_context& request) {
    std::atomic<int> wrong{0};
    request.nested([&](request_context& inner) {
      inner.parallel_for(0, 1'000, [&](std::size_t) {
        if (current_scope() != &inner.scope()) wrong.fetch_add(1, std::memory_order_relaxed);
        static_cast<void>(inner.arena().allocate(16));
      });
    });
    EXPECT_EQ(wrong, 0);
  });
}

TEST(NestedScope, IsCancelledWithItsRequestAndSharesItsDeadline) {
  executor pool{{.workers = 1}};
  auto const end = pool.run({.deadline = std::chrono::hours{1}}, [&](request_context& request) {
    request.nested([&](request_context& inner) {
      EXPECT_EQ(inner.deadline(), request.deadline());
      EXPECT_FALSE(inner.stop_requested());
      pool.request_cancel(request.id());
      EXPECT_TRUE(inner.stop_requested());
      EXPECT_TRUE(inner.stop_token().stop_requested());
      EXPECT_THROW(inner.throw_if_stopped(), request_cancelled);
      inner.nested([](request_context& innermost) { EXPECT_TRUE(innermost.stop_requested()); });
    });
  });
  EXPECT_EQ(end.kind(), outcome_kind::cancelled);
}

TEST(NestedScope, MayTakeWhatIsLeftOfTheRequestsMemory) {
  executor pool{{.workers = 1, .request_bytes = std::size_t{1} << 20U}};
  EXPECT_TRUE(pool.run({}, [&](request_context& request) {
    static_cast<void>(request.arena().allocate(600'000));
    EXPECT_THROW(request.nested([](request_context& inner) { static_cast<void>(inner.arena().allocate(600'000)); }),
                 std::bad_alloc);
    EXPECT_NO_THROW(request.nested([](request_context& inner) { static_cast<void>(inner.arena().allocate(100'000)); }));
  }));
}

TEST(NestedScope, WithoutAFreeScopeItIsRefusedAndNothingHappened) {
  executor pool{{.workers = 1, .max_in_flight = 1}};
  EXPECT_TRUE(pool.run({}, [&](request_context& request) {
    bool ran = false;
    EXPECT_THROW(request.nested([&](request_context&) { ran = true; }), refused_error);
    EXPECT_FALSE(ran);
    EXPECT_EQ(current_scope(), &request.scope());
  }));
}

TEST(NestedScope, WhatItThrowsArrivesAndTheScopeIsClosed) {
  in_request([](request_context& request) {
    EXPECT_THROW(request.nested([](request_context& inner) -> int {
      static_cast<void>(inner.arena().make<int>(1));
      throw std::runtime_error{"inside"};
    }),
                 std::runtime_error);
    EXPECT_EQ(current_scope(), &request.scope());
  });
}

// ---- MF-E16 and MF-E13

std::shared_ptr<int> shared_in(request_context& request) {
  return std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{request.memory()}, 5);
}

TEST(NestedScope, AResultThatPointsIntoItIsRefused) {
  heard_escapes const heard;
  in_request([](request_context& request) {
    EXPECT_THROW(request.nested([](request_context& inner) { return shared_in(inner); }), escape_refused);
  });
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::nested_result_sent));
}

TEST(NestedScope, SoIsAnExceptionPtrWhoseExceptionDoes) {
  heard_escapes const heard;
  in_request([](request_context& request) {
    auto const kept_in = [](request_context& of) { return std::make_exception_ptr(of.arena().make<int>(5)); };
    EXPECT_THROW(static_cast<void>(request.nested(kept_in)), escape_refused);
    EXPECT_TRUE(request.nested([&](request_context&) {
      scope_entry const outside(request.scope());
      return kept_in(request);
    })) << "it stays in the scope around";
  });
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::nested_result_sent));
}

TEST(NestedScope, AResultThatPointsIntoTheScopeAroundItIsFine) {
  heard_escapes const heard;
  in_request([](request_context& request) {
    auto const shared = request.nested([&](request_context&) {
      scope_entry const outside(request.scope());
      return shared_in(request);
    });
    EXPECT_EQ(*shared, 5);
    auto* const number = request.arena().make<std::uint64_t>(9U);
    EXPECT_EQ(request.nested([&](request_context&) { return reinterpret_cast<std::uintptr_t>(number); }),
              reinterpret_cast<std::uintptr_t>(number));
  });
  EXPECT_THAT(heard.reports(), IsEmpty());
}

TEST(NestedScope, AnExceptionThatPointsIntoItIsReplaced) {
  heard_escapes const heard;
  in_request([](request_context& request) {
    EXPECT_THROW(request.nested([](request_context& inner) { throw inner.arena().make<int>(1); }), escape_refused);
    int* const mine = request.arena().make<int>(2);
    EXPECT_THROW(request.nested([mine](request_context&) { throw mine; }), int*)
        << "that of the scope around it is not";
  });
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::exception_sent));
}

TEST(NestedScope, ALoggedOneArrives) {
  heard_escapes const heard;
  in_request(
      [](request_context& request) {
        EXPECT_NE(request.nested([](request_context& inner) {
          return reinterpret_cast<std::uintptr_t>(inner.arena().make<int>(1));
        }),
                  0U);
      },
      egress_action::log);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::nested_result_sent));
}

/// A closure submitted from a nested scope may point neither into it nor into the request around it.
TEST(NestedScope, WhatIsSubmittedInsideItIsLookedAtForBothScopes) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.run({}, [&](request_context& request) {
    int* const outer = request.arena().make<int>(1);
    request.nested([&](request_context& inner) {
      int* const own = inner.arena().make<int>(2);
      auto const reason = [&pool](auto closure) { return pool.try_submit({}, closure, test::ignore).reason(); };
      EXPECT_EQ(reason([outer](request_context&) { return *outer; }), admission_reason::escapes);
      EXPECT_EQ(reason([own](request_context&) { return *own; }), admission_reason::escapes);
    });
  }));
  EXPECT_EQ(heard.reports().size(), 2U);
}

}  // namespace
}  // namespace mayfly
