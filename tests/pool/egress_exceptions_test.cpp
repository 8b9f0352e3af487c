#include "escape_support.hpp"
#include <mayfly/escape_refused.hpp>
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

// Exceptions that leave a request are looked at (MF-E13).
namespace mayfly {
namespace {

using test::heard_escapes;

/// What the future of a request holds that throws what `thrower(request)` throws, and how many reports there were.
template <class Thrower>
std::pair<std::exception_ptr, std::size_t> thrown_by(Thrower thrower, egress_action action = egress_action::refuse) {
  heard_escapes const heard;
  executor pool{{.workers = 1, .egress = action}};
  auto result = pool.run({.route = "throws"}, [&](request_context& request) { thrower(request); });
  for (auto const rule : heard.rules()) EXPECT_EQ(rule, escape_rule::exception_sent);
  return {result.error(), heard.reports().size()};
}

template <class Exception>
bool holds(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (Exception const&) {
    return true;
  } catch (...) {
    return false;
  }
}

template <class Thrower>
void expect_refused(Thrower thrower) {
  auto const [error, reports] = thrown_by(thrower);
  EXPECT_TRUE(holds<escape_refused>(error));
  EXPECT_EQ(reports, 1U);
}

struct says_what_the_arena_says : std::exception {
  explicit says_what_the_arena_says(char const* text) : text_{text, 1} {}
  [[nodiscard]] char const* what() const noexcept override { return text_.first; }
  std::pair<char const*, int> text_;
};

// Large enough: of the last 31 bytes of an object nobody can say whether they are its own or its heap block's spare
// ones.
struct carries_a_pointer {
  int code = 0;
  int* pointer = nullptr;
  char more[40] = {};
};

struct shares_a_number {
  std::shared_ptr<int> number;
  char more[40] = {};
};

char* arena_text(request_context& request) {
  auto* const text = static_cast<char*>(request.arena().allocate(32));
  std::strcpy(text, "in the arena");
  return text;
}

TEST(EgressOfExceptions, AWhatInTheArenaIsReplaced) {
  expect_refused([](request_context& request) { throw says_what_the_arena_says{arena_text(request)}; });
}

TEST(EgressOfExceptions, SoIsAnObjectThatHoldsAnAddress) {
  expect_refused([](request_context& request) { throw carries_a_pointer{1, request.arena().make<int>(1)}; });
}

TEST(EgressOfExceptions, SoIsAPointerOrAViewThrownAsSuch) {
  expect_refused([](request_context& request) { throw static_cast<char const*>(arena_text(request)); });
  expect_refused([](request_context& request) { throw std::string_view{arena_text(request)}; });
}

TEST(EgressOfExceptions, SoIsASharedPtrWhoseCountsLieInTheArena) {
  expect_refused([](request_context& request) {
    throw shares_a_number{std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{request.memory()}, 5)};
  });
}

TEST(EgressOfExceptions, SoIsOneThatNestsSuchAnOne) {
  expect_refused([](request_context& request) {
    try {
      throw says_what_the_arena_says{arena_text(request)};
    } catch (...) {
      std::throw_with_nested(std::runtime_error{"outer"});
    }
  });
}

TEST(EgressOfExceptions, ALoggedOneArrivesAsItIs) {
  auto const [error, reports] = thrown_by(
      [](request_context& request) { throw says_what_the_arena_says{arena_text(request)}; }, egress_action::log);
  EXPECT_TRUE(holds<says_what_the_arena_says>(error));
  EXPECT_EQ(reports, 1U);
}

TEST(EgressOfExceptions, OnesThatOwnWhatTheySayArriveAsTheyAre) {
  auto const runtime = thrown_by([](request_context& request) { throw std::runtime_error{arena_text(request)}; });
  EXPECT_TRUE(holds<std::runtime_error>(runtime.first));
  EXPECT_FALSE(holds<escape_refused>(runtime.first));
  EXPECT_EQ(runtime.second, 0U);
  auto const number = thrown_by([](request_context&) { throw 5; });
  EXPECT_TRUE(holds<int>(number.first));
  EXPECT_EQ(number.second, 0U);
  auto const none = thrown_by([](request_context&) { throw std::bad_alloc{}; });
  EXPECT_TRUE(holds<std::bad_alloc>(none.first));
  auto const object = thrown_by([](request_context&) { throw carries_a_pointer{}; });
  EXPECT_TRUE(holds<carries_a_pointer>(object.first));
  EXPECT_EQ(object.second, 0U);
}

}  // namespace
}  // namespace mayfly
