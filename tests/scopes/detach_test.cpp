#include <mayfly/detach.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <queue>
#include <set>
#include <span>
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

using mayfly::detach;

/// What `make` gives, after the memory that it was made from has been overwritten: what was not copied out shows.
template <class Make>
auto made_from_vanishing_memory(Make&& make) {
  std::vector<std::byte> bytes(16'384);
  std::pmr::monotonic_buffer_resource memory(bytes.data(), bytes.size(), std::pmr::null_memory_resource());
  auto result = std::forward<Make>(make)(&memory);
  bytes.assign(bytes.size(), std::byte{'#'});
  return result;
}

TEST(Detach, CopiesStringsAndViewsOut) {
  auto const copies = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::string const text{"long enough to live in the resource", memory};
    auto copy = detach(text);
    static_assert(std::is_same_v<decltype(copy), std::string>);
    return std::array{std::move(copy), detach(std::string_view(text)), detach(text.c_str())};
  });
  for (std::string const& copy : copies) EXPECT_EQ(copy, "long enough to live in the resource");
}

TEST(Detach, CopiesNestedContainersOutToTheLastLeaf) {
  auto const copy = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::vector<std::pmr::vector<std::pmr::string>> nested{memory};
    nested.emplace_back().emplace_back("the first of the leaves, and a long one");
    nested.emplace_back().emplace_back("the second of the leaves, no shorter");
    auto result = detach(nested);
    static_assert(std::is_same_v<decltype(result), std::vector<std::vector<std::string>>>);
    return result;
  });
  EXPECT_EQ(copy[0][0], "the first of the leaves, and a long one");
  EXPECT_EQ(copy[1][0], "the second of the leaves, no shorter");
}

TEST(Detach, CopiesMapsPairsOptionalsAndSpansOut) {
  auto const table = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::map<std::pmr::string, std::pmr::vector<int>> original{memory};
    original["a key that is too long for its object"] = {1, 2, 3};
    return detach(original);
  });
  static_assert(std::is_same_v<decltype(table), std::map<std::string, std::vector<int>> const>);
  EXPECT_EQ(table.at("a key that is too long for its object"), (std::vector<int>{1, 2, 3}));

  auto const pair = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::vector<std::pmr::string> words{memory};
    words.emplace_back("a word that is too long for its object");
    return std::pair(detach(std::span<std::pmr::string>(words)),
                     detach(std::pair<int, std::optional<std::string_view>>(1, words[0])));
  });
  static_assert(std::is_same_v<decltype(pair.second), std::pair<int, std::optional<std::string>>>);
  EXPECT_EQ(pair.first.at(0), "a word that is too long for its object");
  EXPECT_EQ(pair.second.second, pair.first[0]);
}

/// A text that is too long for its object.
constexpr std::string_view long_text = "a text that is too long for its object, whatever string that is";

TEST(Detach, CopiesSequencesSetsAndHashedContainersOut) {
  auto const copies = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::deque<std::pmr::string> deque({std::pmr::string(long_text, memory)}, memory);
    std::pmr::list<std::string_view> list({deque[0], deque[0]}, memory);
    std::pmr::forward_list<std::string_view> forward({"first", deque[0]}, memory);
    std::pmr::set<std::pmr::string> set({deque[0], "first"}, memory);
    std::pmr::multiset<int> numbers({2, 1, 2}, memory);
    std::pmr::unordered_map<std::pmr::string, std::pmr::vector<bool>> table(memory);
    table[deque[0]] = {true, false, true};
    std::pmr::unordered_set<std::string_view> views({deque[0]}, 1, {}, {}, memory);
    std::pmr::multimap<int, std::string_view> several({{1, deque[0]}, {1, "other"}}, memory);
    return std::tuple(detach(deque), detach(list), detach(forward), detach(set), detach(numbers), detach(table),
                      detach(views), detach(several));
  });
  std::string const text(long_text);
  EXPECT_EQ(std::get<std::deque<std::string>>(copies), std::deque{text});
  EXPECT_EQ(std::get<std::list<std::string>>(copies), (std::list{text, text}));
  EXPECT_EQ(std::get<std::forward_list<std::string>>(copies), (std::forward_list<std::string>{"first", text}));
  EXPECT_EQ(std::get<std::set<std::string>>(copies), (std::set<std::string>{text, "first"}));
  EXPECT_EQ(std::get<std::multiset<int>>(copies), (std::multiset{1, 2, 2}));
  using hashed = std::unordered_map<std::string, std::vector<bool>>;
  EXPECT_EQ(std::get<hashed>(copies), (hashed{{text, {true, false, true}}}));
  EXPECT_EQ(std::get<std::unordered_set<std::string>>(copies), std::unordered_set<std::string>{text});
  using several = std::multimap<int, std::string>;
  EXPECT_EQ(std::get<several>(copies), (several{{1, text}, {1, "other"}}));
}

TEST(Detach, CopiesAdaptorsOut) {
  auto copies = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::string const text(long_text, memory);
    std::stack<std::string_view> stack;
    stack.push(text);
    stack.push("top");
    std::queue<std::pmr::string, std::pmr::deque<std::pmr::string>> queue(std::pmr::deque<std::pmr::string>{memory});
    queue.push(text);
    std::priority_queue<std::string_view, std::vector<std::string_view>, std::greater<std::string_view>> best;
    best.push(text);
    best.push("Z before a");
    return std::tuple(detach(stack), detach(queue), detach(best));
  });
  auto& [stack, queue, best] = copies;
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(queue)>, std::queue<std::string>>);
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(best)>,
                               std::priority_queue<std::string, std::vector<std::string>, std::greater<std::string>>>);
  EXPECT_EQ(stack.top(), "top");
  stack.pop();
  EXPECT_EQ(stack.top(), long_text);
  EXPECT_EQ(queue.front(), long_text);
  EXPECT_EQ(best.top(), "Z before a");
}

TEST(Detach, CopiesArraysTuplesVariantsAndOwnersOut) {
  using either = std::variant<int, std::string_view, std::pmr::string>;
  auto copies = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::string const text(long_text, memory);
    std::string_view const two[2] = {text, "second"};
    auto owner = std::make_unique<std::pmr::string>(text, memory);
    auto const shared = std::make_shared<std::pmr::string>(text, memory);
    return std::tuple(detach(std::array{std::string_view(text), std::string_view("second")}), detach(two),
                      detach(std::tuple(1, std::string_view(text))), detach(either(std::string_view(text))),
                      detach(either(3)), detach(owner), detach(shared));
  });
  auto& [array, c_array, tuple, view, number, owner, shared] = copies;
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(c_array)>, std::array<std::string, 2>>);
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(view)>, std::variant<int, std::string, std::string>>);
  EXPECT_EQ(array, (std::array{std::string(long_text), std::string("second")}));
  EXPECT_EQ(c_array, array);
  EXPECT_EQ(std::get<1>(tuple), long_text);
  EXPECT_EQ(std::get<1>(view), long_text);
  EXPECT_EQ(std::get<0>(number), 3);
  EXPECT_EQ(*owner, long_text);
  EXPECT_EQ(*shared, long_text);
}

TEST(Detach, CopiesCharactersOutUpToTheirEnd) {
  static_assert(std::is_same_v<decltype(detach("literal")), std::string>);
  EXPECT_EQ(detach("literal"), "literal");
  char const full[3] = {'a', 'b', 'c'};
  EXPECT_EQ(detach(full), "abc");
  char const early[4] = {'a', '\0', 'c', '\0'};
  EXPECT_EQ(detach(early), "a");
  EXPECT_EQ(detach(static_cast<char const*>(nullptr)), "");
  EXPECT_EQ(detach(u"wide"), u"wide");
  EXPECT_EQ(detach(std::string_view("a\0b", 3)).size(), 3U);
}

TEST(Detach, MovesWhatCannotBeCopiedOutOfAnRvalue) {
  std::pmr::vector<std::pair<std::unique_ptr<int>, std::string_view>> owners;
  owners.emplace_back(std::make_unique<int>(7), "seven");
  int const* const where = owners[0].first.get();
  std::vector<std::pair<std::unique_ptr<int>, std::string>> const copy = detach(std::move(owners));
  EXPECT_EQ(copy[0].first.get(), where);
  EXPECT_EQ(copy[0].second, "seven");
}

/// An order of one's own, that knows views and strings, and carries nothing.
struct by_length {
  bool operator()(std::string_view left, std::string_view right) const { return left.size() < right.size(); }
};

TEST(Detach, KeepsAnOrderThatKnowsTheNewKeys) {
  std::pmr::map<std::string_view, int, by_length> const by_size{{"long", 1}, {"a", 2}};
  auto const copy = detach(by_size);
  static_assert(std::is_same_v<decltype(copy), std::map<std::string, int, by_length> const>);
  EXPECT_EQ(copy.begin()->first, "a");
  std::pmr::map<std::pmr::string, int, std::less<>> const transparent{{"long", 1}};
  static_assert(std::is_same_v<decltype(detach(transparent)), std::map<std::string, int, std::less<>>>);
  EXPECT_EQ(detach(transparent).at("long"), 1);
}

/// A type of the user's, and what it becomes.
struct order {
  std::pmr::string customer;
  double total = 0;
};
struct order_record {
  std::string customer;
  double total = 0;
};

}  // namespace

template <>
struct mayfly::detach_traits<order> {
  static order_record copy(order const& from) { return {detach(from.customer), from.total}; }
};

namespace {

TEST(Detach, CopiesTypesOfTheUsersAsTheySay) {
  auto const copies = made_from_vanishing_memory([](std::pmr::memory_resource* memory) {
    std::pmr::vector<std::optional<order>> orders(memory);
    orders.emplace_back(order{std::pmr::string(long_text, memory), 3.5});
    orders.emplace_back();
    return detach(orders);
  });
  static_assert(std::is_same_v<decltype(copies), std::vector<std::optional<order_record>> const>);
  EXPECT_EQ(copies.at(0)->customer, long_text);
  EXPECT_EQ(copies.at(0)->total, 3.5);
  EXPECT_FALSE(copies.at(1));
}

TEST(Detach, PassesOnWhatIsDetachedAlready) {
  EXPECT_EQ(detach(5), 5);
  std::string text(100, 'x');
  char const* const where = text.data();
  std::string const moved = detach(std::move(text));
  EXPECT_EQ(moved.data(), where) << "moved, not copied";
  std::vector<std::string> many{"a", "b"};
  auto const* const first = many.data();
  EXPECT_EQ(detach(std::move(many)).data(), first);
  EXPECT_EQ(*detach(std::make_unique<int>(7)), 7);
}

}  // namespace
