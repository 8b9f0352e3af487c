#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <future>
#include <stdexcept>
#include <utility>

// What is told of a request's end where more than one thing went wrong.
namespace {

using mayfly::executor;
using mayfly::outcome;
using mayfly::outcome_kind;
using mayfly::request_context;
using mayfly::test::wait_until;

/// A result that cannot be handed over: to move it is to copy it, and that throws.
struct uncopied {
  uncopied() = default;
  uncopied(uncopied const&) { throw std::runtime_error{"no copy"}; }
  uncopied& operator=(uncopied const&) = delete;
  ~uncopied() = default;
};

}  // namespace

template <>
inline constexpr bool mayfly::is_detached<uncopied> = true;

namespace {

TEST(RequestEnd, TellsOfNoExceptionWhereACancelledHandlerThrew) {
  executor pool{{.workers = 1}};
  std::promise<std::pair<outcome_kind, std::exception_ptr>> told;
  ASSERT_TRUE(pool.try_submit(
      {},
      [&](request_context& request) {
        pool.request_cancel(request.id());
        request.throw_if_stopped();
      },
      [&](outcome<void> const& end, request_context&) { told.set_value({end.kind(), end.error()}); }));
  auto const [kind, error] = told.get_future().get();
  EXPECT_EQ(kind, outcome_kind::cancelled);
  EXPECT_EQ(error, nullptr);
}

TEST(RequestEnd, IsWhatMovingTheResultThrew) {
  if (mayfly::test::thread_sanitized)
    GTEST_SKIP() << "its pthread_once(), which std::promise uses, waits behind an exception";
  executor pool{{.workers = 1}};
  auto const handler = [](request_context&) { return uncopied{}; };
  EXPECT_THAT([&] { (void)pool.submit("copied", handler).get(); },
              testing::ThrowsMessage<std::runtime_error>("no copy"));
  auto const ran = pool.run({}, handler);
  EXPECT_EQ(ran.kind(), outcome_kind::exception);
  EXPECT_THAT([&] { std::rethrow_exception(ran.error()); }, testing::ThrowsMessage<std::runtime_error>("no copy"));
  wait_until([&] { return pool.stats().completion_failures == 2; });
}

}  // namespace
