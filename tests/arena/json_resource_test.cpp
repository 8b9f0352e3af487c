#include "support.hpp"
#include <mayfly/json_resource.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace mayfly {
namespace {

constexpr char const* document =
    R"({"name":"mayfly","long text that is kept out of line":"another long text, out of line","list":[1,2,[3,{}]]})";

struct JsonResource : testing::Test {
  page_pool pool{test::small_pool()};
  arena memory{pool};
};

TEST_F(JsonResource, HoldsATreeDownToItsLeaves) {
  boost::json::value const tree = boost::json::parse(document, json_storage(memory));
  EXPECT_EQ(boost::json::serialize(tree), document);
  auto const& object = tree.as_object();
  EXPECT_TRUE(pool.contains(object.begin()));
  EXPECT_TRUE(pool.contains(object.at("list").as_array().data()));
  EXPECT_TRUE(pool.contains(object.at("long text that is kept out of line").as_string().data()));
}

TEST_F(JsonResource, IsDroppedWithoutAWalk) {
  auto const storage = json_storage(memory);
  EXPECT_TRUE(storage.is_deallocate_trivial());
  EXPECT_FALSE(storage.is_shared());
  std::optional<boost::json::value> tree{boost::json::parse(document, storage)};
  arena_usage const before = memory.usage();
  tree.reset();
  EXPECT_EQ(memory.usage().handed_out_bytes, before.handed_out_bytes) << "nothing was given back";
}

TEST_F(JsonResource, OwesTheArenaNoDestructor) {
  static_cast<void>(memory.allocate(8));
  std::size_t const room = memory.usage().room_bytes;
  static_cast<void>(json_storage(memory));
  EXPECT_LE(room - memory.usage().room_bytes, sizeof(json_resource) + detail::redzone_bytes);
}

TEST_F(JsonResource, IsEqualToAnotherOverTheSameArenaOnly) {
  arena other{pool};
  json_resource const resource{memory};
  EXPECT_TRUE(resource == json_resource{memory});
  EXPECT_FALSE(resource == json_resource{other});
  EXPECT_FALSE(resource == boost::json::monotonic_resource{});
  EXPECT_EQ(&resource.get(), &memory);
}

TEST_F(JsonResource, ThrowsWhatTheArenaThrowsAndTheArenaGoesOn) {
  byte_budget budget{16 * test::kib};
  arena tight{pool, {.budget = &budget}};
  std::string const large = "[\"" + std::string(20'000, 'x') + "\"]";
  EXPECT_THROW(static_cast<void>(boost::json::parse(large, json_storage(tight))), allocation_error);
  EXPECT_EQ(boost::json::parse("[1]", json_storage(tight)).as_array().size(), 1U);
}

}  // namespace
}  // namespace mayfly
