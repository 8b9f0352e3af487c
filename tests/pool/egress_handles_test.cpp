#include "escape_support.hpp"
#include "support.hpp"
#include <mayfly/detached_coroutine.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/observer.hpp>
#include <mayfly/promise.hpp>
#include <mayfly/scope_registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// What speaks for a request without naming its memory, on its way into another (MF-E11); bound functions that are
// called late (MF-E23); routes that the executor would keep; what observers are shown.
namespace mayfly {
namespace {

using test::heard_escapes;
using test::ignore;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class Body>
void in_request(executor& pool, Body&& body) {
  ASSERT_TRUE(pool.run({.route = "outer"}, std::forward<Body>(body)).has_value());
}

template <class Closure>
admission_reason reason_for(executor& pool, Closure&& closure) {
  return pool.try_submit({.route = "inner"}, std::forward<Closure>(closure), ignore).reason();
}

void settle(executor& pool) {
  test::wait_until([&] { return pool.stats().in_flight == 0; });
}

// ---- handles to the request

TEST(EgressOfHandles, TheRequestItselfDoesNotGetIntoAnother) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  scope_id id;
  in_request(pool, [&](request_context& request) {
    id = request.id();
    EXPECT_EQ(reason_for(pool, [&request](request_context&) { return request.stop_requested(); }),
              admission_reason::escapes);
    EXPECT_EQ(pool.try_submit(
                      {}, [](request_context&) {},
                      [&request](auto const&, request_context&) { static_cast<void>(request.id()); })
                  .reason(),
              admission_reason::escapes)
        << "nor by its completion";
  });
  settle(pool);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::closure_sent, escape_rule::closure_sent));
  for (auto const& each : heard.reports()) EXPECT_EQ(each.scope, id);
}

TEST(EgressOfHandles, NorDoItsScopeItsArenaItsMemoryOrAnEmptyContainer) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < 2 * detail::resource_ring::size; ++i) {
    in_request(pool, [&](request_context& request) {
      auto const refused = [&](auto closure) {
        EXPECT_EQ(reason_for(pool, std::move(closure)), admission_reason::escapes);
        ++wanted;
      };
      refused([in = &request.scope()](request_context&) { return in->stop_requested(); });
      refused([from = &request.arena()](request_context&) { return from->reserved_bytes(); });
      refused([from = request.memory()](request_context&) { return from->is_equal(*from); });
      // Clang does not say where padding is, and takes a word that ends in 00 there for a bool before stale bytes.
      if (reinterpret_cast<std::uintptr_t>(request.memory()) % 256 < 2) return;
      refused([empty = std::pmr::vector<int>{request.memory()}](request_context&) { return empty.size(); });
    });
    settle(pool);
  }
  EXPECT_THAT(heard.rules(), SizeIs(wanted));
  EXPECT_THAT(heard.rules(), Each(escape_rule::closure_sent));
}

TEST(EgressOfHandles, NorDoesABoundFunction) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    auto bound = request.bind([](int number) { return number; });
    EXPECT_EQ(bound(7), 7);
    EXPECT_EQ(reason_for(pool, [bound](request_context&) { return bound(7); }), admission_reason::escapes);
  });
}

TEST(EgressOfHandles, NorDoTheRequestsAroundANestedScope) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  in_request(pool, [&](request_context& request) {
    request.nested([&](request_context& child) {
      EXPECT_EQ(reason_for(pool, [&child](request_context&) { return child.id(); }), admission_reason::escapes);
      EXPECT_EQ(reason_for(pool, [&request](request_context&) { return request.id(); }), admission_reason::escapes);
    });
    EXPECT_EQ(reason_for(pool, [&request](request_context&) { return request.id(); }), admission_reason::escapes)
        << "and when the nested scope has ended it is there still";
  });
  EXPECT_EQ(heard.reports().size(), 3U);
}

TEST(EgressOfHandles, NorDoTheyFromAnotherThreadOfTheRequest) {
  heard_escapes const heard;
  executor pool{{.workers = 2}};
  in_request(pool, [&](request_context& request) {
    std::thread{request.bind([&] {
      EXPECT_EQ(reason_for(pool, [&request](request_context&) { return request.id(); }), admission_reason::escapes);
    })}.join();
  });
  EXPECT_EQ(heard.reports().size(), 1U);
}

// ---- legal

TEST(EgressOfHandles, WhatIsMeantToLeaveGoesThrough) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  auto const got = std::make_shared<std::atomic<int>>(0);
  for (std::size_t i = 0; i < 2 * detail::resource_ring::size; ++i) {
    in_request(pool, [&](request_context& request) {
      auto const accepted = [&](auto closure) {
        EXPECT_EQ(reason_for(pool, std::move(closure)), admission_reason::accepted);
      };
      accepted([got, token = request.stop_token()](request_context&) { *got += token.stop_requested() ? 0 : 1; });
      accepted([got, id = request.id(), &pool](request_context&) { *got += pool.registry().find(id) ? 1 : 0; });
      accepted(
          [got, hold = request.hold()](request_context&) { *got += hold ? 1 : 0; });  // so the others find it there
      accepted([got, hold = request.hold(), from = request.memory()](request_context&) {
        scope_entry const inside{hold.get()};
        *static_cast<char*>(from->allocate(1)) = 'x';
        ++*got;
      });
      promise<int> answer;  // knows its home
      accepted([got, answer = std::move(answer)](request_context&) mutable { *got += answer.set_value(1) ? 1 : 0; });
      std::function<void()> const small = [got = got.get()] { ++*got; };
      accepted([small, got](request_context&) { small(); });
    });
    settle(pool);
  }
  EXPECT_EQ(*got, static_cast<int>(6 * 2 * detail::resource_ring::size));
  EXPECT_THAT(heard.reports(), IsEmpty());
}

TEST(EgressOfHandles, AfterARequestItsContextsPlaceOnTheStackIsNobodys) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  page_pool pages;
  scope_registry registry{pages};
  std::atomic<void const*> place{nullptr};
  scope_hold held;
  in_request(pool, [&](request_context& request) {
    place = &request;
    held = request.hold();
  });
  // Who waits for an answer has it before the worker is out of the request.
  test::wait_until([&] { return pool.stats().values == 1; });
  {
    scope_entry const inside{held.get()};
    void const* const address = place;
    EXPECT_EQ(reason_for(pool, [address](request_context&) { return address; }), admission_reason::accepted);
  }
  held.release();
  settle(pool);
  EXPECT_THAT(heard.reports(), IsEmpty());
}

// ---- MF-E23

TEST(BoundFunction, OneThatIsCalledLateEntersNobodysScope) {
  heard_escapes const heard;
  executor pool{{.workers = 1, .max_in_flight = 1}};
  std::function<std::size_t()> kept;
  scope_id id;
  in_request(pool, [&](request_context& request) {
    id = request.id();
    kept = request.bind([] {
      static_cast<void>(current_scope()->arena().allocate(100));
      return current_scope()->reserved_bytes();
    });
    EXPECT_NE(kept(), 0U);
  });
  settle(pool);
  EXPECT_THROW(kept(), scope_gone);
  in_request(pool, [&](request_context& next) {
    ASSERT_EQ(next.id().slot(), id.slot()) << "the slot's next tenant";
    EXPECT_THROW(kept(), scope_gone);
    EXPECT_EQ(next.scope().reserved_bytes(), 0U);
    EXPECT_EQ(current_scope(), &next.scope());
  });
  settle(pool);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::late_call, escape_rule::late_call));
  EXPECT_EQ(heard.reports()[0].scope, id);
  EXPECT_EQ(heard.reports()[0].route, "outer");
}

TEST(BoundFunction, AHoldKeepsWhatItIsBoundTo) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  std::function<bool()> kept;
  scope_hold held;
  in_request(pool, [&](request_context& request) {
    held = request.hold();
    kept = request.bind([] { return current_scope()->arena().allocate(100) != nullptr; });
  });
  EXPECT_TRUE(kept());
  held.release();
  settle(pool);
  EXPECT_THROW(kept(), scope_gone);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::late_call));
}

// ---- routes

/// Longer than any small buffer.
constexpr std::string_view long_route = "a route that is longer than a short string may be";

TEST(EgressOfRoutes, OneInARequestsMemoryIsKeptByNoExecutor) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  executor other{{.workers = 1}};
  in_request(other, [&](request_context& request) {
    std::string_view const route = request.arena().copy(long_route);
    auto const ran = pool.run({.route = route}, [](request_context&) {});
    EXPECT_FALSE(ran.has_value());
    EXPECT_EQ(ran.reason(), admission_reason::escapes);
    EXPECT_TRUE(pool.run({.route = "a literal"}, [](request_context&) {}).has_value());
  });
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::closure_sent));
  EXPECT_EQ(heard.reports()[0].route, "outer");
  for (auto const& each : pool.routes()) EXPECT_EQ(each.route, "a literal");
}

detached_coroutine tell(std::shared_ptr<int> begun) {
  ++*begun;
  co_return;
}

TEST(EgressOfRoutes, NorThatOfACoroutine) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  auto const begun = std::make_shared<int>(0);
  in_request(pool, [&](request_context& request) {
    std::string_view const route = request.arena().copy(long_route);
    EXPECT_EQ(pool.spawn({.route = route}, tell(begun)).reason(), admission_reason::escapes);
    EXPECT_EQ(begun.use_count(), 1) << "its frame is gone";
    EXPECT_TRUE(pool.spawn({.route = "a literal"}, tell(begun)));
  });
  settle(pool);
  EXPECT_EQ(*begun, 1);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::argument_sent));
}

// ---- what observers are shown

class keeps_errors final : public executor_observer {
 public:
  void on_completion_failure(scope_id, std::string_view, std::exception_ptr const& error) noexcept override {
    std::scoped_lock const lock{mutex_};
    last_ = error;
  }
  [[nodiscard]] std::exception_ptr last() const {
    std::scoped_lock const lock{mutex_};
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  std::exception_ptr last_;
};

struct told : std::exception {
  explicit told(char const* text) : text_{text} {}
  [[nodiscard]] char const* what() const noexcept override { return text_; }

 private:
  char const* text_;
};

TEST(EgressToObservers, WhatACompletionThrowsIsLookedAt) {
  heard_escapes const heard;
  keeps_errors errors;
  executor pool{{.workers = 1, .observer = &errors}};
  auto const fails = [&](auto completion) {
    EXPECT_TRUE(pool.try_submit({.route = "failing"}, [](request_context&) {}, completion));
    settle(pool);
  };
  fails([](auto const&, request_context& request) { throw told{request.arena().copy(long_route).data()}; });
  EXPECT_THROW(std::rethrow_exception(errors.last()), escape_refused);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::exception_sent));
  EXPECT_EQ(heard.reports()[0].route, "failing");
  fails([](auto const&, request_context&) { throw std::runtime_error{"the heap's"}; });
  EXPECT_THROW(std::rethrow_exception(errors.last()), std::runtime_error);
  EXPECT_EQ(pool.stats().completion_failures, 2U);
  EXPECT_EQ(heard.reports().size(), 1U);
}

}  // namespace
}  // namespace mayfly
