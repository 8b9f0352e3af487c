#include <mayfly/arena_allocator.hpp>
#include <mayfly/detach.hpp>
#include <mayfly/detached.hpp>
#include <mayfly/detail/egress_walk.hpp>

#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bitset>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <shared_mutex>
#include <stack>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace {

using mayfly::address_range;
using mayfly::Detached;
using mayfly::find_address;

/// A class derived from a std one, with a pointer that the base knows nothing of.
template <class Base>
struct derived : Base {
  void const* origin = nullptr;
};
/// The same without anything of its own.
template <class Base>
struct only_derived : Base {};
/// The same, as a class that is no aggregate.
template <class Base>
class hiding : public Base {
 public:
  explicit hiding(void const* origin = nullptr) : origin_(origin) {}
  [[nodiscard]] void const* origin() const { return origin_; }

 private:
  void const* origin_;
};

/// A std type may leave; what derives from it may not, and is nothing that detach() knows.
template <class... Base>
constexpr bool only_they_themselves =
    ((Detached<Base> && Detached<Base const> && !Detached<derived<Base>> && !Detached<only_derived<Base>> &&
      !Detached<hiding<Base>> && !Detached<std::vector<derived<Base>>> &&
      std::is_same_v<mayfly::detail::detached_t<hiding<Base>>, hiding<Base>>) &&
     ...);

static_assert(only_they_themselves<std::string, std::wstring, std::u8string, std::vector<int>, std::vector<bool>>);
static_assert(only_they_themselves<std::deque<int>, std::list<int>, std::forward_list<std::string>>);
static_assert(only_they_themselves<std::map<int, int>, std::multimap<int, int>, std::set<int>, std::multiset<int>>);
static_assert(only_they_themselves<std::unordered_map<int, int>, std::unordered_multimap<int, int>>);
static_assert(only_they_themselves<std::unordered_set<int>, std::unordered_multiset<std::string>>);
static_assert(only_they_themselves<std::stack<int>, std::queue<int>, std::priority_queue<int>>);
static_assert(only_they_themselves<std::stack<int, std::vector<int>>, std::array<int, 3>>);
static_assert(only_they_themselves<std::bitset<64>, std::atomic<long>, std::complex<double>, std::filesystem::path>);
static_assert(only_they_themselves<std::optional<int>, std::variant<int, std::string>, std::tuple<int, long>>);
static_assert(only_they_themselves<std::pair<int, int>, std::future<int>, std::promise<int>>);
static_assert(only_they_themselves<std::unique_ptr<int>, std::shared_ptr<int>, std::weak_ptr<int>>);
static_assert(only_they_themselves<std::mutex, std::recursive_mutex, std::timed_mutex, std::recursive_timed_mutex>);
static_assert(only_they_themselves<std::shared_mutex, std::shared_timed_mutex, std::condition_variable>);

// Derived from one in a request's memory: refused for certain, also behind a shared_ptr.
static_assert(!Detached<derived<std::pmr::string>> && !Detached<std::shared_ptr<hiding<std::pmr::vector<int>>>>);
static_assert(!Detached<std::shared_ptr<hiding<std::vector<int, mayfly::arena_allocator<int>>>>>);
static_assert(Detached<std::shared_ptr<hiding<std::vector<int>>>>);

// A pointer inside, and the look of a std::atomic.
static_assert(!Detached<std::atomic_ref<int>>);

/// Like a container in all that can be asked of it.
template <class T>
class looks_like_a_vector {
 public:
  using value_type = T;
  using allocator_type = std::allocator<T>;
  [[nodiscard]] T const* begin() const { return first_; }
  [[nodiscard]] T const* end() const { return first_; }
  [[nodiscard]] allocator_type get_allocator() const { return {}; }

 private:
  T const* first_ = nullptr;
};
static_assert(!Detached<looks_like_a_vector<int>>);

// A field of a plain struct is the way out, and so is somebody's word for it.
struct named_tags {
  std::vector<std::string> tags;
  std::string origin;
};
static_assert(Detached<named_tags>);

// Other libraries' containers.
using prices = boost::container::flat_map<int, std::shared_ptr<int>>;
static_assert(!Detached<boost::container::flat_set<int>>);

using vouched_tags = hiding<std::vector<std::shared_ptr<int>>>;
using vouched_text = hiding<std::u16string>;
using vouched_stack = hiding<std::stack<std::shared_ptr<int>>>;
using vouched_numbers = hiding<std::vector<std::uintptr_t>>;

/// Calls itself a stack, and has no `c`.
class own_stack {
 public:
  using container_type = std::vector<int>;
  using value_type = int;
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  void push(int value) { values_.push_back(value); }
  void pop() { values_.pop_back(); }

 private:
  container_type values_;
};

}  // namespace

template <class K, class V>
inline constexpr bool mayfly::is_detached<boost::container::flat_map<K, V>> = Detached<K> && Detached<V>;
template <>
inline constexpr bool mayfly::is_detached<vouched_tags> = true;
template <>
inline constexpr bool mayfly::is_detached<vouched_text> = true;
template <>
inline constexpr bool mayfly::is_detached<vouched_stack> = true;
template <>
inline constexpr bool mayfly::is_detached<vouched_numbers> = true;
template <>
inline constexpr bool mayfly::is_detached<own_stack> = true;

namespace {

static_assert(Detached<prices> && !Detached<boost::container::flat_map<int, int*>>);
static_assert(Detached<vouched_tags> && Detached<std::vector<vouched_stack>> && Detached<vouched_text>);
static_assert(Detached<vouched_numbers> && Detached<own_stack>);

TEST(StdKinds, ASpellingMayHaveTheLibrarysOwnNamespacesInIt) {
  using mayfly::detail::is_spelling_of;
  EXPECT_TRUE(is_spelling_of("std::vector", "std::vector"));
  EXPECT_TRUE(is_spelling_of("std::__1::vector", "std::vector"));
  EXPECT_TRUE(is_spelling_of("std::__1::__fs::filesystem::path", "std::filesystem::path"));
  EXPECT_TRUE(is_spelling_of("std::filesystem::__cxx11::path", "std::filesystem::path"));
}

TEST(StdKinds, AnotherNameIsNone) {
  using mayfly::detail::is_spelling_of;
  EXPECT_FALSE(is_spelling_of("mine::std::vector", "std::vector"));
  EXPECT_FALSE(is_spelling_of("std::mine::vector", "std::vector"));
  EXPECT_FALSE(is_spelling_of("std::vectors", "std::vector"));
  EXPECT_FALSE(is_spelling_of("std::vec", "std::vector"));
  EXPECT_FALSE(is_spelling_of("std::vector<int>::vector", "std::vector"));
  EXPECT_FALSE(is_spelling_of("std::__vector", "std::vector"));
  EXPECT_FALSE(is_spelling_of("std::", "std::vector"));
  EXPECT_FALSE(is_spelling_of("", "std::vector"));
}

/// A stand-in for a request's memory.
class DerivedTypesAtEgress : public testing::Test {
 protected:
  alignas(8) std::array<std::byte, 256> memory_{};
  address_range range_{reinterpret_cast<std::uintptr_t>(memory_.data()), memory_.size()};
  void* inside_ = memory_.data() + 128;

  std::shared_ptr<int> pointing_inside() { return {std::make_shared<int>(1), static_cast<int*>(inside_)}; }
  template <class T>
  bool is_found(T const& value) {
    auto const hit = find_address(value, range_);
    return hit.has_value() && hit->address == inside_;
  }
};

TEST_F(DerivedTypesAtEgress, FieldsOfAClassDerivedFromAContainerAreSeen) {
  EXPECT_TRUE(is_found(vouched_text(inside_)));
  EXPECT_FALSE(is_found(vouched_text(this)));
  EXPECT_TRUE(is_found(vouched_numbers(inside_)));
  EXPECT_TRUE(is_found(vouched_stack(inside_)));
  EXPECT_TRUE(is_found(derived<std::bitset<64>>{{}, inside_}));
  EXPECT_TRUE(is_found(derived<std::string>{{}, inside_})) << "nobody vouched for it: a twin with the checks off";
  EXPECT_TRUE(is_found(std::vector<vouched_text>{vouched_text(), vouched_text(inside_)}));
}

TEST_F(DerivedTypesAtEgress, AndSoAreTheElements) {
  vouched_tags tags;
  tags.push_back(nullptr);
  EXPECT_FALSE(is_found(tags));
  tags.push_back(pointing_inside());
  EXPECT_TRUE(is_found(tags));

  vouched_stack stack;
  stack.push(nullptr);
  EXPECT_FALSE(is_found(stack));
  stack.push(pointing_inside());
  EXPECT_TRUE(is_found(stack));

  prices map;
  map.emplace(1, nullptr);
  EXPECT_FALSE(is_found(map));
  map.emplace(2, pointing_inside());
  EXPECT_TRUE(is_found(map));
}

TEST_F(DerivedTypesAtEgress, NumbersInBulkAreStillData) {
  vouched_numbers numbers;
  numbers.push_back(reinterpret_cast<std::uintptr_t>(inside_));
  EXPECT_FALSE(is_found(numbers));
}

TEST_F(DerivedTypesAtEgress, AStackOfItsOwnKindIsLookedAtByItsBytes) {
  own_stack stack;
  stack.push(1);
  EXPECT_FALSE(is_found(stack));
  EXPECT_TRUE(mayfly::walks<own_stack>);
}

}  // namespace
