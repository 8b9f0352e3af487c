#include <mayfly/arena.hpp>
#include <mayfly/json_detach.hpp>
#include <mayfly/json_resource.hpp>
#include <mayfly/page_pool.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace json = boost::json;

using mayfly::detach;
using mayfly::detached_json;

static_assert(!mayfly::Detached<json::value> && mayfly::Detached<detached_json>);
static_assert(mayfly::Detached<std::vector<detached_json>> && !mayfly::walks<detached_json>);

constexpr std::string_view document =
    R"({"numbers":[1,-2,3.5E0,18446744073709551615],"empty":{},"none":[],"nested":{"a":[{"b":null},true,false]},)"
    R"("text":"a text that is too long for its object, whatever string that is","":"no key"})";

TEST(JsonDetach, CopiesATreeOutOfItsArena) {
  mayfly::page_pool pages;
  detached_json copy;
  {
    mayfly::arena memory{pages};
    json::value const tree = json::parse(document, mayfly::json_storage(memory));
    copy = detach(tree);
    EXPECT_EQ(*copy, tree);
    EXPECT_NE(copy->storage(), tree.storage());
  }
  EXPECT_EQ(json::serialize(*copy), document);
}

TEST(JsonDetach, CopiesTheOtherKindsOut) {
  mayfly::page_pool pages;
  mayfly::arena memory{pages};
  json::value const tree = json::parse(document, mayfly::json_storage(memory));
  json::object const& object = tree.as_object();
  static_assert(std::is_same_v<decltype(detach(object)), detached_json>);
  static_assert(std::is_same_v<decltype(detach(object.at("text").as_string())), std::string>);
  EXPECT_EQ(*detach(object), tree);
  EXPECT_EQ(*detach(object.at("numbers").as_array()), object.at("numbers"));
  EXPECT_EQ(detach(object.at("text").as_string()), object.at("text").as_string());
  EXPECT_EQ(*detach(json::value(5)), 5);
  std::vector<std::pair<int, detached_json>> const inside = detach(std::vector{std::pair(1, tree)});
  EXPECT_EQ(*inside.at(0).second, tree);
}

TEST(JsonDetach, GivesAValueThatKeepsItsMemory) {
  json::value taken;
  {
    detached_json copy = detach(json::parse(document));
    json::value moved = std::move(copy).take();
    json::value inner = std::move(moved.at("nested"));
    std::destroy_at(&taken);
    std::construct_at(&taken, std::move(inner));
  }
  EXPECT_EQ(json::serialize(taken), R"({"a":[{"b":null},true,false]})");
}

TEST(JsonDetach, IsAValue) {
  detached_json const empty;
  EXPECT_TRUE(empty->is_null());
  detached_json first = detach(json::parse(document));
  detached_json const second = first;
  EXPECT_NE(first->storage(), second->storage()) << "two threads may each have one";
  EXPECT_EQ(*first, *second);
  json::value const* const where = &first->at("numbers");
  detached_json const third = std::move(first);
  EXPECT_EQ(&third->at("numbers"), where) << "moved, not copied";
  first = third;
  EXPECT_EQ(*first, *third);
}

TEST(JsonDetach, TreesMayBeDeeperThanTheStack) {
  constexpr std::size_t depth = 500'000;
  mayfly::page_pool pages;
  mayfly::arena memory{pages};
  json::value tree(mayfly::json_storage(memory));
  json::value* at = &tree;
  for (std::size_t i = 0; i < depth; ++i) {
    if (i % 2 == 0) {
      at = &at->emplace_array().emplace_back(nullptr);
    } else {
      at = &at->emplace_object().emplace("a", nullptr).first->value();
    }
  }
  *at = "leaf";
  detached_json const copy = detach(tree);
  json::value const* leaf = &*copy;
  std::size_t levels = 0;
  while (leaf->is_structured()) {
    leaf = leaf->is_array() ? &leaf->get_array()[0] : &leaf->get_object().begin()->value();
    ++levels;
  }
  EXPECT_EQ(levels, depth);
  EXPECT_EQ(*leaf, "leaf");
}

}  // namespace
