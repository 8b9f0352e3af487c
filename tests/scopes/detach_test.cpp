#include <mayfly/detach.hpp>

#include <gtest/gtest.h>

#include <any>
#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <span>
#include <stack>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
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
