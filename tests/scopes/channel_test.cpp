#include "support.hpp"
#include <mayfly/channel.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <fstream>
#include <memory>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace mayfly {
namespace {

using test::inside;

using shared_int = std::shared_ptr<int>;

shared_int shared_in(scope& of) {
  return std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{of.memory()}, 5);
}

/// How many escapes are reported while it lives; nothing is written.
class escape_count {
 public:
  escape_count() {
    set_escape_handler([](escape_report const& report,
                          void* user) noexcept { static_cast<escape_count*>(user)->last_route_ = report.route; },
                       this);
  }
  ~escape_count() { set_escape_handler(nullptr, nullptr); }
  escape_count(escape_count const&) = delete;
  escape_count& operator=(escape_count const&) = delete;

  [[nodiscard]] std::uint64_t now() const { return escape_reports(escape_rule::value_sent) - before_; }
  [[nodiscard]] std::string_view last_route() const { return last_route_; }

 private:
  std::string_view last_route_;
  std::uint64_t before_ = escape_reports(escape_rule::value_sent);
};

TEST(Channel, GivesValuesInTheOrderInWhichTheyWereSent) {
  channel<std::string> words{2};
  EXPECT_EQ(words.try_send("one"), channel_reason::sent);
  EXPECT_EQ(words.try_send("two"), channel_reason::sent);
  EXPECT_EQ(words.size(), 2U);
  EXPECT_EQ(words.receive(), "one");
  EXPECT_EQ(words.try_send("three"), channel_reason::sent);
  EXPECT_EQ(words.receive(), "two");
  EXPECT_EQ(words.receive(), "three");
  EXPECT_EQ(words.try_receive(), std::nullopt);
}

TEST(Channel, WhatDoesNotFitIsNotMovedFrom) {
  channel<std::unique_ptr<int>> numbers{1};
  EXPECT_EQ(numbers.try_send(std::make_unique<int>(1)), channel_reason::sent);
  auto second = std::make_unique<int>(2);
  EXPECT_EQ(numbers.try_send(std::move(second)), channel_reason::full);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(**numbers.receive(), 1);
  EXPECT_EQ(numbers.try_send(std::move(second)), channel_reason::sent);
}

TEST(Channel, AfterCloseNothingGetsInAndWhatIsInsideGetsOut) {
  channel<int> numbers{4};
  EXPECT_EQ(numbers.send(1), channel_reason::sent);
  numbers.close();
  EXPECT_EQ(numbers.try_send(2), channel_reason::closed);
  EXPECT_EQ(numbers.send(2), channel_reason::closed);
  EXPECT_EQ(numbers.receive(), 1);
  EXPECT_EQ(numbers.receive(), std::nullopt);
}

TEST(Channel, CloseWakesWhoeverWaits) {
  channel<int> empty{1};
  channel<int> full{1};
  static_cast<void>(full.send(1));
  std::thread receiver{[&] { EXPECT_EQ(empty.receive(), std::nullopt); }};
  std::thread sender{[&] { EXPECT_EQ(full.send(2), channel_reason::closed); }};
  empty.close();
  full.close();
  receiver.join();
  sender.join();
}

TEST(Channel, DestroysWhatNobodyHasReceived) {
  auto const witness = std::make_shared<int>(1);
  {
    channel<shared_int> numbers{3};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(numbers.send(witness), channel_reason::sent);
    EXPECT_EQ(witness.use_count(), 4);
    static_cast<void>(numbers.receive());
    EXPECT_EQ(witness.use_count(), 3);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Channel, RefusesToHaveNoRoom) { EXPECT_THROW(channel<int>{0}, std::invalid_argument); }

/// Every value that was sent is received once, by whomever; the race detector judges the rest.
TEST(Channel, ManySendersAndReceiversLoseNothing) {
  constexpr int each = 2'000;
  channel<std::unique_ptr<int>> numbers{8};
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> senders;
  std::vector<std::thread> receivers;
  for (int s = 0; s < 3; ++s) {
    senders.emplace_back([&] {
      for (int i = 1; i <= each; ++i) EXPECT_EQ(numbers.send(std::make_unique<int>(i)), channel_reason::sent);
    });
    receivers.emplace_back([&] {
      while (auto const got = numbers.receive()) sum.fetch_add(**got, std::memory_order_relaxed);
    });
  }
  for (auto& sender : senders) sender.join();
  numbers.close();
  for (auto& receiver : receivers) receiver.join();
  EXPECT_EQ(sum, std::int64_t{3} * each * (each + 1) / 2);
}

// ---- MF-E15

TEST(Channel, AValueThatPointsIntoTheSendersScopeIsRefused) {
  escape_count const escapes;
  test::scopes s;
  scope& sender = s.open("sender");
  channel<shared_int> numbers{1};
  inside(sender, [&] {
    shared_int const shared = shared_in(sender);
    EXPECT_EQ(numbers.try_send(shared), channel_reason::escapes);
    EXPECT_EQ(numbers.send(shared), channel_reason::escapes);
    EXPECT_EQ(shared.use_count(), 1);
    EXPECT_EQ(numbers.send(std::make_shared<int>(1)), channel_reason::sent);
  });
  EXPECT_EQ(escapes.now(), 2U);
  sender.close();
}

TEST(Channel, SoIsAnExceptionPtrWhoseExceptionDoes) {
  escape_count const escapes;
  test::scopes s;
  scope& sender = s.open("sender");
  channel<std::exception_ptr> errors{1};
  inside(sender, [&] {
    EXPECT_EQ(errors.send(std::make_exception_ptr(sender.make<int>(1))), channel_reason::escapes);
    EXPECT_EQ(errors.send(std::make_exception_ptr(1)), channel_reason::sent);
  });
  EXPECT_EQ(escapes.now(), 1U);
  sender.close();
}

TEST(Channel, ALoggedOneGetsThrough) {
  escape_count const escapes;
  test::scopes s;
  scope& sender = s.open("sender");
  channel<std::uintptr_t> numbers{1, egress_action::log};
  auto const address = inside(sender, [&] {
    auto const made = reinterpret_cast<std::uintptr_t>(sender.make<int>(1));
    EXPECT_EQ(numbers.send(made), channel_reason::sent);
    return made;
  });
  EXPECT_EQ(numbers.receive(), address);
  EXPECT_EQ(escapes.now(), 1U);
  sender.close();
}

TEST(Channel, OneMadeInsideAScopeCarriesItsAddressesThere) {
  escape_count const escapes;
  test::scopes s;
  scope& home = s.open("home");
  inside(home, [&] {
    channel<shared_int> numbers{2};
    EXPECT_EQ(numbers.send(shared_in(home)), channel_reason::sent);
    EXPECT_EQ(numbers.send(shared_in(home)), channel_reason::sent);
    EXPECT_EQ(**numbers.receive(), 5);
  });  // and the other is destroyed with the channel
  EXPECT_EQ(escapes.now(), 0U);
  home.close();
}

TEST(Channel, AScopeInsideItsHomeMaySendHomesAddressesButNotItsOwn) {
  escape_count const escapes;
  test::scopes s;
  scope& home = s.open("home");
  inside(home, [&] {
    channel<shared_int> numbers{2};
    shared_int const of_home = shared_in(home);
    scope* const inner = s.registry.open({.parent = &home});
    inside(*inner, [&] {
      EXPECT_EQ(numbers.send(of_home), channel_reason::sent);
      EXPECT_EQ(numbers.send(shared_in(*inner)), channel_reason::escapes);
      EXPECT_EQ(**numbers.receive(), 5) << "inside home is inside home";
    });
    inner->close();
  });
  EXPECT_EQ(escapes.now(), 1U);
  home.close();
}

TEST(Channel, WhoReceivesOutsideItsHomeGetsNoAddressOfHome) {
  escape_count const escapes;
  test::scopes s;
  scope& home = s.open("home");
  std::unique_ptr<channel<shared_int>> published;
  inside(home, [&] {
    published = std::make_unique<channel<shared_int>>(3);
    EXPECT_EQ(published->send(shared_in(home)), channel_reason::sent);
    EXPECT_EQ(published->send(std::make_shared<int>(6)), channel_reason::sent);
    EXPECT_EQ(published->send(shared_in(home)), channel_reason::sent);
  });
  home.close();
  EXPECT_EQ(**published->receive(), 6) << "the first is left out, and not touched";
  EXPECT_EQ(escapes.now(), 1U);
  EXPECT_EQ(escapes.last_route(), "home") << "the report knows the scope that has ended";
  published.reset();  // nor is the last: it is poisoned under AddressSanitizer
}

// ---- code of the user's, which may use the channel that it is called from

/// Asks its channel when it ends, also when it was moved from.
struct asks_its_channel {
  explicit asks_its_channel(channel<asks_its_channel>*& which) : asked{&which} {}
  asks_its_channel(asks_its_channel&&) noexcept = default;
  asks_its_channel& operator=(asks_its_channel&&) = delete;
  ~asks_its_channel() {
    if (*asked != nullptr) static_cast<void>((*asked)->size());
  }
  channel<asks_its_channel>** asked;
};

}  // namespace
template <>
inline constexpr bool is_detached<asks_its_channel> = true;
namespace {

TEST(Channel, ADestructorOfAValueMayUseIt) {
  channel<asks_its_channel>* asked = nullptr;
  {
    channel<asks_its_channel> values{2};
    asked = &values;
    EXPECT_EQ(values.send(asks_its_channel{asked}), channel_reason::sent);
    EXPECT_EQ(values.send(asks_its_channel{asked}), channel_reason::sent);
    EXPECT_TRUE(values.receive().has_value());
  }  // the other one asks meanwhile
  asked = nullptr;
}

TEST(Channel, TheEscapeHandlerMayUseIt) {
  test::scopes s;
  scope& home = s.open("home");
  std::unique_ptr<channel<shared_int>> published;
  inside(home, [&] {
    published = std::make_unique<channel<shared_int>>(2);
    EXPECT_EQ(published->send(shared_in(home)), channel_reason::sent);
  });
  home.close();
  set_escape_handler(
      [](escape_report const&, void* user) noexcept {
        auto& of = *static_cast<channel<shared_int>*>(user);
        EXPECT_EQ(of.size(), 0U);
        EXPECT_EQ(of.try_send(std::make_shared<int>(7)), channel_reason::sent);
        of.close();
      },
      published.get());
  auto const got = published->receive();
  set_escape_handler(nullptr, nullptr);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(**got, 7);
}

/// Throws the first time it is moved after being told to.
struct throws_when_moved {
  throws_when_moved() = default;
  throws_when_moved(throws_when_moved&& other) : told{std::exchange(other.told, false)} {
    if (told) throw std::runtime_error{"cannot be moved"};
  }
  throws_when_moved& operator=(throws_when_moved&&) = delete;
  ~throws_when_moved() = default;
  bool told = false;
};

}  // namespace
template <>
inline constexpr bool is_detached<throws_when_moved> = true;
namespace {

TEST(Channel, AMoveThatThrowsLeavesTheRoomToOthers) {
  channel<throws_when_moved> values{1};
  throws_when_moved guilty;
  guilty.told = true;
  EXPECT_THROW(static_cast<void>(values.try_send(std::move(guilty))), std::runtime_error);
  EXPECT_EQ(values.size(), 0U);
  EXPECT_EQ(values.try_send(throws_when_moved{}), channel_reason::sent);
  EXPECT_TRUE(values.receive().has_value());
  EXPECT_EQ(values.try_send(throws_when_moved{}), channel_reason::sent) << "its place has come back";
}

/// Whether that thread of ours is asleep.
bool sleeps(int thread) {
  std::ifstream stat{"/proc/self/task/" + std::to_string(thread) + "/stat"};
  std::string line;
  std::getline(stat, line);
  std::size_t const name_end = line.rfind(')');
  return name_end != std::string::npos && line.compare(name_end, 3, ") S") == 0;
}

/// The first to wait is the first to be woken, most often; it throws, and the other one must not be left asleep.
TEST(Channel, ASenderWhoseMoveThrowsPassesItsTurnOn) {
  for (int round = 0; round < 10; ++round) {
    channel<throws_when_moved> values{1};
    static_cast<void>(values.send(throws_when_moved{}));
    auto const start = [&](bool told) {
      std::atomic<int> id{0};
      std::thread sender{[&values, &id, told] {
        throws_when_moved mine;
        mine.told = told;
        id = gettid();
        try {
          EXPECT_EQ(values.send(std::move(mine)), channel_reason::sent);
        } catch (std::runtime_error const&) {
          EXPECT_TRUE(told);
        }
      }};
      while (id == 0 || !sleeps(id)) std::this_thread::yield();
      return sender;
    };
    std::thread guilty = start(true);
    std::thread other = start(false);
    EXPECT_TRUE(values.receive().has_value());
    EXPECT_TRUE(values.receive().has_value()) << "the other one's";
    guilty.join();
    other.join();
  }
}

}  // namespace
}  // namespace mayfly
