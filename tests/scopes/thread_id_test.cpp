#include "support.hpp"
#include <mayfly/detail/thread_id.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

namespace mayfly {
namespace {

TEST(ThreadId, IsWhatTheKernelSays) {
  EXPECT_EQ(detail::this_thread_id(), gettid());
  EXPECT_EQ(detail::this_thread_id(), gettid()) << "also from the cache";
  test::elsewhere([] { EXPECT_EQ(detail::this_thread_id(), gettid()); });
}

TEST(ThreadId, IsAskedAgainInAForkedChild) {
  static_cast<void>(detail::this_thread_id());
  pid_t const child = fork();
  if (child == 0) _exit(detail::this_thread_id() == gettid() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace mayfly
