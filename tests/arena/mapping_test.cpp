#include "support.hpp"
#include "system_calls.hpp"
#include <mayfly/detail/mapping.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

namespace mayfly::detail {
namespace {

TEST(Mapping, ReservesAlignedAddressesThatFault) {
  mapping const addresses = mapping::reserve(3 * test::mib, 2 * test::mib);
  ASSERT_TRUE(addresses);
  EXPECT_TRUE(test::is_aligned(addresses.start(), 2 * test::mib));
  EXPECT_EQ(addresses.bytes(), 3 * test::mib);
}

TEST(Mapping, GivesZeroes) {
  mapping const memory = mapping::zeroed(100);
  ASSERT_TRUE(memory);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(memory.start()[i], std::byte{0});
}

TEST(Mapping, MovesItsOwnership) {
  mapping first = mapping::zeroed(4096);
  std::byte* const start = first.start();
  mapping second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.start(), start);
  mapping third;
  third = std::move(second);
  EXPECT_EQ(third.start(), start);
  third.start()[0] = std::byte{1};
}

TEST(Mapping, IsEmptyWhereTheSystemRefuses) {
  test::refused_call const refused{test::refused_call::name::mmap, ENOMEM};
  EXPECT_FALSE(mapping::reserve(test::mib, 4096));
  EXPECT_FALSE(mapping::zeroed(4096));
  EXPECT_FALSE(mapped_array<int>{10});
}

}  // namespace
}  // namespace mayfly::detail
