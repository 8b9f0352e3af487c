#include "support.hpp"
#include <mayfly/schedule_point.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace mayfly {
namespace {

std::set<std::string>& steps() {
  static std::set<std::string> seen;
  return seen;
}

TEST(SchedulePoint, CallsTheHookAtEveryStepOfBuildsThatHaveThem) {
  page_pool pool{{.reserve_bytes = 64 * test::mib, .magazine_pages = {1, 1, 1}}};
  set_schedule_hook([](char const* step) noexcept { steps().insert(step); });
  {
    arena memory{pool};
    for (int i = 0; i < 100; ++i) static_cast<void>(memory.allocate(8 * test::kib));
    static_cast<void>(memory.allocate(test::mib));
  }
  for (int i = 0; i < 2; ++i) {
    arena memory{pool};
    for (int page = 0; page < 100; ++page) static_cast<void>(memory.allocate(8 * test::kib));
  }
  set_schedule_hook(nullptr);
#ifdef MAYFLY_SCHEDULE_POINTS
  EXPECT_EQ(steps(), (std::set<std::string>{"budget-charge", "depot-pop", "depot-push", "front-claim", "front-deposit",
                                            "magazine-claim", "magazine-deposit", "page-charge-common"}));
#else
  EXPECT_TRUE(steps().empty());
#endif
  steps().clear();
  static_cast<void>(arena{pool}.allocate(1));
  EXPECT_TRUE(steps().empty()) << "a removed hook is not called";
}

}  // namespace
}  // namespace mayfly
