#include <mayfly/allocation_error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <string>

namespace mayfly {
namespace {

using testing::HasSubstr;

TEST(AllocationError, SaysLimitUsedAndAsked) {
  allocation_error const error{refusal::byte_budget, 1000, 900, 200};
  EXPECT_EQ(error.reason(), refusal::byte_budget);
  EXPECT_EQ(error.limit(), 1000U);
  EXPECT_EQ(error.used(), 900U);
  EXPECT_EQ(error.asked(), 200U);
  EXPECT_EQ(error.error_number(), 0);
  EXPECT_STREQ(error.what(), "request byte budget exceeded: limit 1000 bytes, used 900, asked 200");
}

TEST(AllocationError, SaysErrnoWhereTheSystemRefused) {
  allocation_error const error{refusal::system, 1, 2, 3, ENOMEM};
  EXPECT_EQ(error.error_number(), ENOMEM);
  EXPECT_THAT(error.what(), HasSubstr("(errno 12)"));
}

TEST(AllocationError, IsABadAllocWhoseCopyKeepsTheMessage) {
  std::string text;
  try {
    throw allocation_error{refusal::page_cap, 5, 6, 7};
  } catch (std::bad_alloc const& caught) {
    allocation_error const copy = dynamic_cast<allocation_error const&>(caught);
    text = copy.what();
  }
  EXPECT_THAT(text, HasSubstr("max_bytes"));
}

TEST(AllocationError, HasANameAndAMessageForEveryReasonAndTheLargestNumbersFit) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (auto const reason : {refusal::none, refusal::too_large, refusal::byte_budget, refusal::page_cap,
                            refusal::address_space, refusal::system}) {
    EXPECT_STRNE(to_string(reason), "unknown");
    allocation_error const error{reason, most, most, most, 133};
    EXPECT_THAT(error.what(), HasSubstr("asked 18446744073709551615 (errno 133)")) << to_string(reason);
  }
  EXPECT_STREQ(to_string(static_cast<refusal>(99)), "unknown");
}

}  // namespace
}  // namespace mayfly
