#include <mayfly/arena_allocator.hpp>
#include <mayfly/detached.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scoped_ref.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <functional>
#include <future>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <queue>
#include <set>
#include <shared_mutex>
#include <span>
#include <stack>
#include <string>
#include <string_view>
#include <tuple>
#include <typeindex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace {

using mayfly::Detached;

enum class colour : std::uint8_t { red };

struct plain {
  int a = 0;
  double b = 0;
};
struct nested {
  plain inner;
  std::vector<plain> more;
  std::optional<std::string> name;
};
struct tree {
  int value = 0;
  std::vector<tree> children;
  std::unique_ptr<tree> left;
  std::map<std::string, tree> named;
};
struct with_arrays {
  char name[16];
  double matrix[2][3];
  std::string words[2];
  int last;
};
struct with_bits {
  unsigned a : 3;
  unsigned b : 5;
  std::string name;
};
struct with_const {
  int const number;
  std::string const name;
};
struct immovable {
  std::mutex guard;
  std::atomic<int> count{0};
  std::condition_variable changed;
  std::vector<int> values;
};
struct with_mutable {
  mutable int cached = 0;
  std::string name;
};
struct nothing {};
struct with_empty {
  nothing tag;
  [[no_unique_address]] nothing other;
  int value;
};
class opaque {
 public:
  explicit opaque(std::uint64_t number) : number_(number) {}
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::uint64_t number_;
};
class vouched_for {
 public:
  explicit vouched_for(std::uint64_t number) : number_(number) {}
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::uint64_t number_;
};
class small_opaque {
 public:
  explicit small_opaque(std::uint32_t number) : number_(number) {}
  [[nodiscard]] std::uint32_t number() const { return number_; }

 private:
  std::uint32_t number_;
};
struct no_default {
  explicit no_default(int);
};
struct forbidden {
  int a;
};
struct by_length {
  bool operator()(std::string const& left, std::string const& right) const { return left.size() < right.size(); }
};
struct by_table {
  int const* table;
  bool operator()(int left, int right) const { return table[left] < table[right]; }
};
template <class T, class E>
class expected_like {
 public:
  using value_type = T;
  using error_type = E;
  [[nodiscard]] bool has_value() const { return has_; }
  [[nodiscard]] E const& error() const { return error_; }
  T const& operator*() const { return value_; }

 private:
  T value_{};
  E error_{};
  bool has_ = true;
};

int number_to_capture = 3;
using captureless = decltype([](int number) { return number + 1; });
using capturing = decltype([number = number_to_capture, copy = &number_to_capture] { return number + *copy; });

}  // namespace

template <>
inline constexpr bool mayfly::is_detached<vouched_for> = true;
template <>
inline constexpr bool mayfly::is_detached<forbidden> = false;

namespace {

// What may leave ...
static_assert(Detached<void> && Detached<int> && Detached<double const> && Detached<std::byte> && Detached<colour>);
static_assert(Detached<std::nullptr_t> && Detached<std::monostate> && Detached<bool> && Detached<char32_t>);
static_assert(Detached<std::string> && Detached<std::vector<std::string>> && Detached<std::map<std::string, int>>);
static_assert(Detached<std::optional<std::pair<int, std::string>>> && Detached<std::tuple<int, std::u16string>>);
static_assert(Detached<std::variant<int, std::string>> && Detached<std::array<int, 3>> && Detached<std::tuple<>>);
static_assert(Detached<std::unique_ptr<std::string>> && Detached<std::unique_ptr<int[]>>);
static_assert(Detached<std::set<int>> && Detached<std::unordered_map<std::string, std::vector<double>>>);
static_assert(Detached<std::deque<std::string>> && Detached<std::list<plain>> && Detached<std::forward_list<int>>);
static_assert(Detached<std::stack<int>> && Detached<std::queue<plain>> && Detached<std::priority_queue<std::string>>);
static_assert(Detached<std::multimap<int, int>> && Detached<std::unordered_multiset<std::string>>);
static_assert(Detached<std::set<std::string, by_length>> && Detached<std::vector<bool>>);
static_assert(Detached<std::chrono::nanoseconds> && Detached<std::chrono::system_clock::time_point>);
static_assert(Detached<std::chrono::year_month_day> && Detached<std::error_code> && Detached<std::thread::id>);
static_assert(Detached<std::complex<double>> && Detached<std::bitset<100>> && Detached<std::filesystem::path>);
static_assert(Detached<std::future<int>> && Detached<std::promise<std::string>> && Detached<std::shared_future<void>>);
static_assert(Detached<std::exception_ptr> && Detached<std::stop_token> && Detached<std::atomic<int>>);
static_assert(Detached<int[3]> && Detached<std::string[2][2]>);
static_assert(Detached<captureless> && Detached<std::less<>>);
static_assert(Detached<mayfly::scope_id> && Detached<mayfly::stop_token> && Detached<mayfly::scoped_ref<int>>);
static_assert(Detached<mayfly::scope_hold> && Detached<std::optional<mayfly::scope_id>>);

// ... aggregates, field by field ...
static_assert(Detached<plain> && Detached<nested> && Detached<tree> && Detached<std::vector<tree>>);
static_assert(Detached<with_arrays> && Detached<with_bits> && Detached<with_const> && Detached<with_mutable>);
static_assert(Detached<immovable> && Detached<with_empty> && Detached<nothing>);

// ... what somebody vouched for, and what is too small for an address ...
static_assert(Detached<vouched_for> && Detached<std::vector<vouched_for>> && Detached<small_opaque>);
static_assert(mayfly::is_detached<vouched_for> && mayfly::is_detached<int> && !mayfly::is_detached<int*>);

// ... shared_ptr whatever it points to, but what is certainly a request's ...
static_assert(Detached<std::shared_ptr<plain>> && Detached<std::shared_ptr<opaque>> && Detached<std::weak_ptr<opaque>>);
static_assert(Detached<std::shared_ptr<void>> && Detached<std::shared_ptr<std::function<void()>>>);
static_assert(!Detached<std::shared_ptr<std::pmr::string>> && !Detached<std::weak_ptr<boost::json::value>>);

// ... and what may not.
static_assert(!Detached<int*> && !Detached<char const*> && !Detached<int&> && !Detached<int plain::*>);
static_assert(!Detached<void (*)()> && !Detached<void (plain::*)()> && !Detached<int&&>);
static_assert(!Detached<std::string_view> && !Detached<std::span<int>> && !Detached<std::reference_wrapper<int>>);
static_assert(!Detached<std::pmr::string> && !Detached<std::pmr::vector<int>> && !Detached<std::pmr::map<int, int>>);
static_assert(!Detached<std::pmr::memory_resource*> && !Detached<std::pmr::polymorphic_allocator<>>);
static_assert(!Detached<std::vector<std::pmr::string>> && !Detached<std::vector<int*>>);
static_assert(!Detached<std::optional<std::string_view>> && !Detached<std::pair<int, std::string_view>>);
static_assert(!Detached<std::tuple<int, int*>> && !Detached<std::variant<int, std::string_view>>);
static_assert(!Detached<std::array<char const*, 2>> && !Detached<std::unique_ptr<std::pmr::string>>);
static_assert(!Detached<boost::json::value> && !Detached<boost::json::object> && !Detached<boost::json::storage_ptr>);
static_assert(!Detached<std::vector<int, mayfly::arena_allocator<int>>>);
static_assert(!Detached<std::basic_string<char, std::char_traits<char>, mayfly::arena_allocator<char>>>);
static_assert(!Detached<std::set<std::string_view>> && !Detached<std::deque<char const*>>);
static_assert(!Detached<std::unordered_map<int, std::string_view>> && !Detached<std::list<std::pmr::string>>);
static_assert(!Detached<std::stack<int*>> && !Detached<std::pmr::deque<int>>);
static_assert(!Detached<std::stack<int, std::pmr::vector<int>>> && !Detached<std::set<int, by_table>>);
static_assert(!Detached<std::priority_queue<int, std::vector<int>, by_table>>);
static_assert(!Detached<std::function<void()>> && !Detached<std::any> && !Detached<opaque>);
static_assert(!Detached<capturing> && !Detached<std::coroutine_handle<>>);
static_assert(!Detached<std::vector<int>::iterator> && !Detached<std::map<int, int>::const_iterator>);
static_assert(!Detached<std::back_insert_iterator<std::vector<int>>> && !Detached<std::initializer_list<int>>);
static_assert(!Detached<std::unique_ptr<int, void (*)(int*)>> && !Detached<std::unique_ptr<opaque>>);
static_assert(!Detached<std::future<std::string_view>> && !Detached<std::promise<int&>>);
static_assert(!Detached<expected_like<std::string, int>> && !Detached<expected_like<int, char const*>>);
static_assert(!Detached<mayfly::scope> && !Detached<mayfly::arena> && !Detached<mayfly::scope*>);
static_assert(!Detached<forbidden> && !Detached<std::vector<forbidden>> && !mayfly::is_detached<forbidden>);

// Aggregates with something guilty in them, in every place that taking them apart could miss.
struct reference_field {
  int& number;
};
struct const_reference_field {
  int last = 0;
  int const& number;
};
struct rvalue_field {
  int&& number;
  int last;
};
struct reference_with_default {
  int first = 0;
  static inline int somewhere = 0;
  int& number = somewhere;
};
struct base {
  char const* text;
};
struct derived : base {
  int number;
};
struct derived_only : base {};
struct with_union {
  int first;
  union {
    int number;
    char const* text;
  };
  int last;
};
union alone {
  int number;
  char const* text;
};
struct with_named_union {
  int first;
  alone either[2];
};
struct view_behind_arrays {
  int numbers[4];
  char name[8];
  std::string_view view;
};
struct pointers_in_array {
  int first;
  char const* texts[3];
};
struct view_behind_bits {
  unsigned a : 3;
  unsigned b : 5;
  std::string_view view;
};
struct pointer_tree {
  std::vector<pointer_tree> children;
  pointer_tree* parent;
};
struct list_node {
  std::unique_ptr<list_node> next;
  std::string_view text;
};
struct without_default {
  int number;
  no_default it[2];
  std::string_view view;
};
struct large {
  char text[700];
  char const* end;
};
// As many fields as are looked into, and one more.
#define EIGHT_FIELDS(name) name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7
#define THIRTY_TWO_FIELDS EIGHT_FIELDS(a), EIGHT_FIELDS(b), EIGHT_FIELDS(c), EIGHT_FIELDS(d)
struct forty_fields {
  int THIRTY_TWO_FIELDS, e0, e1, e2, e3, e4, e5, e6;
  std::string last;
};
struct view_behind_fields {
  int THIRTY_TWO_FIELDS, e0, e1, e2, e3, e4, e5, e6;
  std::string_view last;
};
struct forty_one_fields {
  int THIRTY_TWO_FIELDS, EIGHT_FIELDS(e);
  std::string last;
};
#undef THIRTY_TWO_FIELDS
#undef EIGHT_FIELDS
struct deep {
  std::vector<std::optional<std::map<int, std::tuple<int, view_behind_arrays>>>> levels;
};

static_assert(!Detached<reference_field> && !Detached<const_reference_field> && !Detached<rvalue_field>);
static_assert(!Detached<reference_with_default> && !Detached<derived> && !Detached<derived_only>);
static_assert(!Detached<with_union> && !Detached<alone> && !Detached<with_named_union>);
static_assert(!Detached<view_behind_arrays> && !Detached<pointers_in_array> && !Detached<view_behind_bits>);
static_assert(!Detached<pointer_tree> && !Detached<list_node> && !Detached<without_default>);
static_assert(!Detached<large> && !Detached<deep>);
static_assert(Detached<forty_fields> && !Detached<view_behind_fields> && !Detached<forty_one_fields>);

}  // namespace
