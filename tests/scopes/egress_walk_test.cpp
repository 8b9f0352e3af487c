#include <mayfly/detail/egress_walk.hpp>
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <queue>
#include <span>
#include <stack>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

using mayfly::address_range;
using mayfly::egress_hit;
using mayfly::find_address;
using mayfly::find_address_in_bytes;
using mayfly::walks;

/// Opaque, and somebody vouches for it.
class vouched_for {
 public:
  explicit vouched_for(void const* address) : address_(address) {}
  [[nodiscard]] void const* address() const { return number_ == 0 ? address_ : nullptr; }

 private:
  std::uint64_t number_ = 0;
  void const* address_;
};
/// The same, whose bytes are not to be looked at.
class hash_value {
 public:
  explicit hash_value(std::uint64_t bits) : bits_(bits) {}
  [[nodiscard]] std::uint64_t bits() const { return bits_; }

 private:
  std::uint64_t bits_;
};

struct reply {
  int status = 0;
  std::string body;
  std::vector<std::shared_ptr<int>> parts;
  std::uintptr_t token = 0;
};
struct tree {
  std::uint64_t value = 0;
  std::vector<tree> children;
  std::unique_ptr<tree> next;
};
struct harmless_tree {
  std::int64_t value = 0;
  std::vector<harmless_tree> children;
};
struct with_bits {
  std::uint64_t address : 48;
  std::uint64_t rest : 16;
};

}  // namespace

template <>
inline constexpr bool mayfly::is_detached<vouched_for> = true;
template <>
inline constexpr bool mayfly::is_detached<hash_value> = true;
template <>
inline constexpr bool mayfly::walks<hash_value> = false;

namespace {

// Nothing is done at run time for what cannot hold an address ...
static_assert(!walks<int> && !walks<double> && !walks<std::int64_t> && !walks<std::byte> && !walks<std::string>);
static_assert(!walks<std::vector<int>> && !walks<std::vector<std::string>> && !walks<std::map<int, double>>);
static_assert(!walks<std::vector<std::uint64_t>> && !walks<std::array<std::uint64_t, 4>> && !walks<std::size_t[4]>);
static_assert(!walks<std::chrono::nanoseconds> && !walks<std::chrono::steady_clock::time_point>);
static_assert(!walks<std::optional<std::string>> && !walks<harmless_tree>);
static_assert(!walks<mayfly::scope_id> && !walks<mayfly::scoped_ref<int>> && !walks<mayfly::stop_token>);
static_assert(mayfly::Detached<vouched_for> && mayfly::Detached<hash_value>);
static_assert(!walks<hash_value> && !walks<std::vector<hash_value>>);
// ... and something is for what can.
static_assert(walks<std::uintptr_t> && walks<std::size_t> && walks<void*> && walks<std::string_view>);
static_assert(walks<std::shared_ptr<int>> && walks<std::weak_ptr<int>> && walks<std::unique_ptr<int>>);
static_assert(walks<std::error_code> && walks<std::error_condition> && walks<std::vector<std::error_code>>);
static_assert(walks<std::exception_ptr> && walks<std::future<int>> && walks<std::vector<std::shared_ptr<int>>>);
static_assert(walks<reply> && walks<tree> && walks<std::vector<tree>> && walks<vouched_for> && walks<with_bits>);
static_assert(walks<std::optional<std::pair<int, std::uintptr_t>>> && walks<std::stack<std::shared_ptr<int>>>);

/// A stand-in for a request's memory.
class EgressWalk : public testing::Test {
 protected:
  alignas(256) std::array<std::byte, 4096> memory_{};  // an address in it stays in it when its lowest byte is cleared
  address_range range_{reinterpret_cast<std::uintptr_t>(memory_.data()), memory_.size()};
  void* inside_ = memory_.data() + 128;
  std::uintptr_t number_ = reinterpret_cast<std::uintptr_t>(inside_);

  template <class T>
  void expect_found(T const& value, std::size_t offset) {
    auto const hit = find_address(value, range_);
    ASSERT_TRUE(hit.has_value());
    EXPECT_EQ(hit->address, inside_);
    EXPECT_EQ(hit->offset, offset);
  }
  template <class Whole, class Part>
  static std::size_t offset_in(Whole const& whole, Part const& part) {
    return reinterpret_cast<std::uintptr_t>(&part) - reinterpret_cast<std::uintptr_t>(&whole);
  }
  template <class T>
  void expect_nothing(T const& value) {
    EXPECT_FALSE(find_address(value, range_).has_value());
  }

  std::shared_ptr<int> pointing_inside() {
    return {std::shared_ptr<void>(std::make_shared<int>(1)), static_cast<int*>(inside_)};
  }
};

TEST_F(EgressWalk, FindsAnAddressThatWasCastToANumber) {
  expect_found(number_, 0);
  expect_found(std::pair<int, std::uintptr_t>(1, number_), 8);
  expect_found(std::optional<std::uintptr_t>(number_), 0);
  expect_found(std::variant<int, std::uintptr_t>(number_), 0);
  expect_found(with_bits{number_ & ((1ULL << 48U) - 1), 0}, 0);
  expect_nothing(std::uintptr_t{0});
}

TEST_F(EgressWalk, TakesTheFirstAddressOfTheRangeAndNotTheOneBehindItsLast) {
  std::uintptr_t const first = range_.first;
  EXPECT_TRUE(find_address(first, range_).has_value());
  EXPECT_FALSE(find_address(first - 1, range_).has_value());
  EXPECT_TRUE(find_address(first + range_.bytes - 1, range_).has_value());
  EXPECT_FALSE(find_address(first + range_.bytes, range_).has_value());
  EXPECT_FALSE(find_address(first, address_range{}).has_value());
}

TEST_F(EgressWalk, FindsASharedPointersObjectAndItsControlBlock) {
  expect_found(pointing_inside(), 0);
  expect_found(std::weak_ptr<int>(pointing_inside()), 0);
  std::pmr::monotonic_buffer_resource resource(memory_.data(), memory_.size(), std::pmr::null_memory_resource());
  auto const made = std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>(&resource), 7);
  static int elsewhere = 0;
  std::shared_ptr<int> const aliasing(made, &elsewhere);
  auto const hit = find_address(aliasing, range_);
  ASSERT_TRUE(hit.has_value()) << "only the control block lies in the request's memory";
  EXPECT_EQ(hit->offset, 8U);
  expect_nothing(std::make_shared<int>(1));
  expect_nothing(std::shared_ptr<int>());
}

TEST_F(EgressWalk, FindsAPromisesStateInTheRequestsMemory) {
  std::pmr::monotonic_buffer_resource resource(memory_.data(), memory_.size(), std::pmr::null_memory_resource());
  std::promise<int> promise(std::allocator_arg, std::pmr::polymorphic_allocator<int>(&resource));
  EXPECT_TRUE(find_address(promise, range_).has_value());
  EXPECT_TRUE(find_address(promise.get_future(), range_).has_value());
  expect_nothing(std::promise<int>());
}

TEST_F(EgressWalk, FollowsOwnersAndNamesTheirPlaceInTheValue) {
  reply answer{1, "body", {std::make_shared<int>(1), pointing_inside()}, 0};
  expect_found(answer, offset_in(answer, answer.parts));
  answer.parts.clear();
  answer.token = number_;
  expect_found(answer, offset_in(answer, answer.token));
  answer.token = 1;
  expect_nothing(answer);

  tree top;
  top.children.resize(3);
  top.children[1].next = std::make_unique<tree>();
  expect_nothing(top);
  top.children[1].next->value = number_;
  expect_found(top, offset_in(top, top.children));
}

TEST_F(EgressWalk, FindsWhatAUniquePointerOwnsInTheRequestsMemory) {
  std::unique_ptr<int> owner(static_cast<int*>(inside_));
  expect_found(owner, 0);
  static_cast<void>(owner.release());
  expect_nothing(owner);
  expect_nothing(std::make_unique<std::uint64_t>(7));
  expect_found(std::make_unique<std::uint64_t>(number_), 0);
}

TEST_F(EgressWalk, LooksIntoEveryKindOfContainer) {
  auto const guilty = pointing_inside();
  expect_found(std::vector{guilty}, 0);
  expect_found(std::deque{guilty}, 0);
  expect_found(std::array{std::shared_ptr<int>(), guilty}, 16);
  expect_found(std::map<int, std::shared_ptr<int>>{{1, nullptr}, {2, guilty}}, 0);
  expect_found(std::unordered_map<int, std::shared_ptr<int>>{{1, guilty}}, 0);
  expect_found(std::tuple(std::string("text"), guilty), 0);  // libstdc++ lays tuples out backwards
  expect_found(std::stack<std::shared_ptr<int>>({nullptr, guilty}), 0);
  expect_found(std::queue<std::shared_ptr<int>>({guilty}), 0);
  expect_found(std::priority_queue<std::shared_ptr<int>>({}, std::vector{guilty}), 0);
  expect_found(std::vector<std::vector<std::optional<std::uintptr_t>>>{{}, {std::nullopt, number_}}, 0);
  expect_nothing(std::vector<std::shared_ptr<int>>(100, std::make_shared<int>(1)));
}

TEST_F(EgressWalk, LooksAtTheBytesOfOpaqueTypesAndOfWhatWasWavedThrough) {
  expect_found(vouched_for(inside_), 8);
  expect_nothing(vouched_for(this));
  expect_found(std::string_view(static_cast<char const*>(inside_), 3), 0);
  expect_found(std::span<int>(static_cast<int*>(inside_), 3), 0);
  expect_found(static_cast<char const*>(inside_), 0);
  std::pmr::monotonic_buffer_resource resource(memory_.data() + 128, 512, std::pmr::null_memory_resource());
  expect_found(std::pmr::string("long enough to leave the object behind", &resource), 8);
  expect_found([where = inside_] { return where; }, 0);
  expect_nothing(std::function<void()>());
}

/// An object made in bytes that hold addresses of the request from before.
template <class T>
class made_on_stale_bytes {
 public:
  template <class... Args>
  made_on_stale_bytes(std::uintptr_t stale, Args&&... args) {
    for (std::size_t i = 0; i + 8 <= sizeof bytes_; i += 8) std::memcpy(bytes_ + i, &stale, 8);
    value_ = ::new (static_cast<void*>(bytes_)) T(std::forward<Args>(args)...);
  }
  ~made_on_stale_bytes() { value_->~T(); }
  made_on_stale_bytes(made_on_stale_bytes const&) = delete;
  made_on_stale_bytes& operator=(made_on_stale_bytes const&) = delete;

  T const& operator*() const { return *value_; }

 private:
  alignas(T) std::byte bytes_[sizeof(T)];
  T* value_;
};

/// Its bytes are looked at one by one, as those of any class that is not known.
class holds_text {
 public:
  explicit holds_text(char const* text) : text_(text) {}
  [[nodiscard]] std::string text() const { return text_ + std::to_string(number_); }

 private:
  int number_ = 0;
  std::string text_;
};

TEST_F(EgressWalk, IsNotTakenInByStaleBytes) {
  expect_nothing(*made_on_stale_bytes<std::optional<std::uintptr_t>>(number_));
  expect_nothing(*made_on_stale_bytes<std::optional<std::shared_ptr<int>>>(number_, std::nullopt));
  expect_nothing(*made_on_stale_bytes<std::variant<int, std::shared_ptr<int>>>(number_, 1));
  expect_nothing(*made_on_stale_bytes<std::pair<std::string, std::shared_ptr<int>>>(number_, "short", nullptr));
  expect_nothing(*made_on_stale_bytes<std::vector<std::shared_ptr<int>>>(number_));
  static_assert(walks<holds_text>);
  expect_nothing(*made_on_stale_bytes<holds_text>(number_, "short"));
  expect_nothing(*made_on_stale_bytes<holds_text>(number_, "short, eleven"));
  expect_nothing(*made_on_stale_bytes<holds_text>(number_, ""));
  auto const closure = [text = std::string("short")] { return text; };
  expect_nothing(*made_on_stale_bytes<std::remove_const_t<decltype(closure)>>(number_, closure));
}

TEST_F(EgressWalk, ComesBackFromChainsThatAreDeeperThanItGoes) {
  std::unique_ptr<tree> chain;
  for (int i = 0; i < 5'000; ++i) {
    auto longer = std::make_unique<tree>();
    longer->next = std::move(chain);
    chain = std::move(longer);
  }
  expect_nothing(*chain);
  chain->next->next->value = number_;
  expect_found(*chain, offset_in(*chain, chain->next));
}

TEST_F(EgressWalk, PassesOverWhatDoesNotMatter) {
  struct several {
    std::uintptr_t first;
    vouched_for second;
    std::vector<std::shared_ptr<int>> third;
  };
  several const value{range_.first, vouched_for(memory_.data() + 8), {pointing_inside()}};
  EXPECT_EQ(find_address(value, range_).value_or(egress_hit{}).offset, 0U);
  mayfly::address_filter const only_one{
      [](void const* wanted, void const* address) noexcept { return address == wanted; }, inside_};
  auto const hit = find_address(value, range_, only_one);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->address, inside_);
  EXPECT_EQ(hit->offset, offset_in(value, value.third));
  mayfly::address_filter const nothing{[](void const*, void const*) noexcept { return false; }, nullptr};
  EXPECT_FALSE(find_address(value, range_, nothing).has_value());
}

TEST_F(EgressWalk, GoesOnBehindAWordAndStillKnowsAShortString) {
  struct text_in_bytes {
    std::uintptr_t first;
    std::string text;
    std::uintptr_t last;
  };
  alignas(8) std::array<std::byte, sizeof(text_in_bytes)> bytes;
  for (std::size_t i = 0; i < bytes.size(); i += 8) std::memcpy(bytes.data() + i, &number_, 8);
  auto* const made = ::new (static_cast<void*>(bytes.data())) text_in_bytes{number_, "short", number_};
  EXPECT_EQ(find_address_in_bytes(made, sizeof *made, range_).value_or(egress_hit{}).offset, 0U);
  EXPECT_EQ(find_address_in_bytes(made, sizeof *made, range_, 1).value_or(egress_hit{}).offset, 40U);
  EXPECT_FALSE(find_address_in_bytes(made, sizeof *made, range_, 41).has_value());
  made->~text_in_bytes();
}

TEST_F(EgressWalk, ScansAlignedWordsOfAnyBytes) {
  alignas(8) std::array<std::byte, 64> bytes{};
  EXPECT_FALSE(find_address_in_bytes(bytes.data(), bytes.size(), range_).has_value());
  std::memcpy(bytes.data() + 56, &number_, 8);
  auto const hit = find_address_in_bytes(bytes.data(), bytes.size(), range_);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->address, inside_);
  EXPECT_EQ(hit->offset, 56U);
  EXPECT_FALSE(find_address_in_bytes(bytes.data(), 63, range_).has_value()) << "the last word is not all there";
  EXPECT_EQ(find_address_in_bytes(bytes.data() + 1, 63, range_).value_or(egress_hit{}).offset, 55U);
  EXPECT_FALSE(find_address_in_bytes(bytes.data(), 0, range_).has_value());
  EXPECT_FALSE(find_address_in_bytes(nullptr, 0, range_).has_value());
}

}  // namespace
