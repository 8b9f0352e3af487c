#include "support.hpp"
#include <mayfly/promise.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace mayfly {
namespace {

using test::inside;

using shared_int = std::shared_ptr<int>;

shared_int shared_in(scope& of) {
  return std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{of.memory()}, 5);
}

/// Nothing is written while it lives.
struct quiet {
  quiet() {
    set_escape_handler([](escape_report const&, void*) noexcept {}, nullptr);
  }
  ~quiet() { set_escape_handler(nullptr, nullptr); }
  quiet(quiet const&) = delete;
  quiet& operator=(quiet const&) = delete;
};

TEST(Promise, GivesItsValueToWhoeverWaits) {
  promise<std::string> given;
  future<std::string> waiting = given.get_future();
  EXPECT_TRUE(waiting.valid());
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  std::thread setter{[mine = std::move(given)]() mutable { EXPECT_TRUE(mine.set_value("here")); }};
  EXPECT_EQ(waiting.get(), "here");
  EXPECT_FALSE(waiting.valid());
  setter.join();
}

TEST(Promise, GivesAnException) {
  promise<int> given;
  auto waiting = given.get_future();
  EXPECT_TRUE(given.set_exception(std::make_exception_ptr(std::runtime_error{"instead"})));
  EXPECT_THROW(waiting.get(), std::runtime_error);
}

TEST(Promise, OneThatGoesWithoutAValueBreaks) {
  future<int> waiting = promise<int>{}.get_future();
  EXPECT_THROW(waiting.get(), std::future_error);
}

TEST(Promise, AValueThatPointsIntoTheSettersScopeIsRefused) {
  quiet const unheard;
  std::uint64_t const before = escape_reports(escape_rule::value_sent);
  test::scopes s;
  scope& setter = s.open("setter");
  promise<shared_int> given;
  auto waiting = given.get_future();
  inside(setter, [&] { EXPECT_FALSE(given.set_value(shared_in(setter))); });
  EXPECT_EQ(escape_reports(escape_rule::value_sent), before + 1);
  try {
    static_cast<void>(waiting.get());
    ADD_FAILURE();
  } catch (escape_refused const& refused) {
    EXPECT_EQ(refused.rule(), escape_rule::value_sent);
    EXPECT_EQ(refused.scope(), setter.id());
  }
  setter.close();
}

TEST(Promise, SoIsAnExceptionThatDoes) {
  quiet const unheard;
  test::scopes s;
  scope& setter = s.open("setter");
  promise<int> given;
  auto waiting = given.get_future();
  inside(setter, [&] { EXPECT_FALSE(given.set_exception(std::make_exception_ptr(setter.make<int>(1)))); });
  EXPECT_THROW(waiting.get(), escape_refused);
  setter.close();
}

TEST(Promise, ALoggedOneGetsThrough) {
  quiet const unheard;
  test::scopes s;
  scope& setter = s.open("setter");
  promise<std::uintptr_t> given{egress_action::log};
  auto waiting = given.get_future();
  inside(setter, [&] { EXPECT_TRUE(given.set_value(reinterpret_cast<std::uintptr_t>(setter.make<int>(1)))); });
  EXPECT_NE(waiting.get(), 0U);
  setter.close();
}

TEST(Promise, OneMadeInsideAScopeCarriesItsAddressesThereAndNotOut) {
  quiet const unheard;
  std::uint64_t const before = escape_reports(escape_rule::value_sent);
  test::scopes s;
  scope& home = s.open("home");
  future<shared_int> outside;
  inside(home, [&] {
    promise<shared_int> given;
    auto waiting = given.get_future();
    EXPECT_TRUE(given.set_value(shared_in(home)));
    EXPECT_EQ(*waiting.get(), 5);
    EXPECT_EQ(escape_reports(escape_rule::value_sent), before);
    promise<shared_int> other;
    outside = other.get_future();
    EXPECT_TRUE(other.set_value(shared_in(home)));
  });
  home.close();
  EXPECT_THROW(static_cast<void>(outside.get()), escape_refused);
  EXPECT_EQ(escape_reports(escape_rule::value_sent), before + 1);
}

TEST(Promise, WhatNobodyGotIsDestroyedAtHomeAndNowhereElse) {
  quiet const unheard;
  std::uint64_t const before = escape_reports();
  test::scopes s;
  scope& home = s.open("home");
  future<shared_int> outlives;
  std::weak_ptr<int> witness;
  inside(home, [&] {
    {
      promise<shared_int> given;
      auto const unheeded = given.get_future();
      auto const shared = shared_in(home);
      witness = shared;
      EXPECT_TRUE(given.set_value(shared));
      EXPECT_EQ(witness.use_count(), 2);
    }
    EXPECT_TRUE(witness.expired()) << "at home";
    witness.reset();
    promise<shared_int> given;
    outlives = given.get_future();
    EXPECT_TRUE(given.set_value(shared_in(home)));
  });
  home.close();
  outlives = {};  // its destructor would give memory back to a scope that is gone, which the tripwire reports
  EXPECT_EQ(escape_reports(), before);
}

TEST(Promise, AnExceptionOfItsHomeIsThrownThereAndNotOutside) {
  quiet const unheard;
  std::uint64_t const before = escape_reports(escape_rule::exception_sent);
  test::scopes s;
  scope& home = s.open("home");
  future<int> outside;
  inside(home, [&] {
    promise<int> given;
    auto waiting = given.get_future();
    EXPECT_TRUE(given.set_exception(std::make_exception_ptr(home.make<int>(1))));
    EXPECT_THROW(waiting.get(), int*);
    EXPECT_EQ(escape_reports(escape_rule::exception_sent), before);
    promise<int> other;
    outside = other.get_future();
    // What is refused is never destroyed: known to us, it is no leak.
    static auto const* const refused = new std::exception_ptr{std::make_exception_ptr(home.make<int>(1))};
    EXPECT_TRUE(other.set_exception(*refused));
  });
  home.close();
  EXPECT_THROW(outside.get(), escape_refused);
  EXPECT_EQ(escape_reports(escape_rule::exception_sent), before + 1);
}

}  // namespace
}  // namespace mayfly
