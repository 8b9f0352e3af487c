#include "support.hpp"
#include <mayfly/trace/replay.hpp>

#include <gtest/gtest.h>

namespace mayfly::trace {
namespace {

using kind = operation_kind;

memory_figures played(std::vector<operation> const& operations, page_pool_options const& pages = {}) {
  trace_builder builder{test::some_settings()};
  builder.add_request("x", {.closed_ns = 1}, operations);
  return simulate(trace::from_bytes(builder.finish(), "x"), {.pages = pages}).memory;
}

void expect_whole(memory_figures const& held) {
  EXPECT_EQ(held.reserved_bytes, held.handed_out_bytes + held.tail_waste_bytes + held.room_bytes + held.skipped_bytes);
  EXPECT_LE(held.handed_out_bytes, held.reserved_bytes);
}

TEST(HostileReplay, GivesNothingBackThatThePageHasNotHandedOut) {
  expect_whole(played({{.kind = kind::give_back, .bytes = 8}}));
  expect_whole(played({{.kind = kind::resize, .bytes = 8, .new_bytes = 16}}));
  expect_whole(played({{.bytes = 64}, {.kind = kind::give_back, .bytes = 72}}));
  expect_whole(played({{.bytes = 64}, {.kind = kind::give_back, .bytes = operation_size_limit - 1}}));
  EXPECT_EQ(played({{.bytes = 64}, {.kind = kind::give_back, .bytes = 64}}).handed_out_bytes, 0U);
}

TEST(HostileReplay, ABlockGoesBackWithTheSizeThatItHas) {
  auto const resized = played({{.kind = kind::allocate_block, .bytes = 100'000},
                               {.kind = kind::resize_block, .number = 0, .bytes = 1U << 30U, .new_bytes = 90'000},
                               {.kind = kind::give_back_block, .number = 0, .bytes = 1}});
  expect_whole(resized);
  EXPECT_EQ(resized.reserved_bytes, 0U);
}

TEST(HostileReplay, WhatIsRefusedIsNeitherResizedNorGivenBack) {
  auto const refused = played({{.kind = kind::allocate_block, .bytes = std::size_t{1} << 39U},
                               {.kind = kind::resize_block, .number = 0, .bytes = 1, .new_bytes = 2},
                               {.kind = kind::give_back_block, .number = 0, .bytes = 1}},
                              {.reserve_bytes = std::size_t{16} << 20U});
  EXPECT_EQ(refused.refused, 1U);
  EXPECT_EQ(refused.reserved_bytes, 0U);
}

}  // namespace
}  // namespace mayfly::trace
