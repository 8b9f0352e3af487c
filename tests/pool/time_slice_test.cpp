// What a worker asks of the scheduler, as the kernel tells it.

#include "time_slice.hpp"

#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::executor_options;
using mayfly::request_context;

/// The calling thread's; 0 on a kernel that has none for ordinary threads.
std::chrono::nanoseconds own_slice() {
  std::array<unsigned char, 48> attributes{};
  std::uint64_t runtime_ns = 0;
  if (syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0) != 0) return 0ns;
  std::memcpy(&runtime_ns, attributes.data() + 24, sizeof runtime_ns);
  return std::chrono::nanoseconds{runtime_ns};
}

std::chrono::nanoseconds slice_of_worker(executor_options const& options) {
  executor pool{options};
  return pool.submit("slice", [](request_context&) { return own_slice(); }).get();
}

TEST(TimeSlice, AWorkerHasTheOneItWasToAskFor) {
  if (own_slice() == 0ns) GTEST_SKIP() << "this kernel gives no slices to ordinary threads (Linux 6.12 does)";
  auto const before = own_slice();
  EXPECT_EQ(slice_of_worker({.workers = 1, .time_slice = 300us}), 300us);
  EXPECT_EQ(slice_of_worker({.workers = 1}), executor_options{}.time_slice);
  EXPECT_EQ(slice_of_worker({.workers = 1, .time_slice = 0ns}), before);
  EXPECT_EQ(own_slice(), before) << "the thread that makes the executor keeps its own";
}

TEST(TimeSlice, PolicyAndNicenessStay) {
  if (own_slice() == 0ns) GTEST_SKIP() << "this kernel gives no slices to ordinary threads (Linux 6.12 does)";
  std::thread batch{[] {
    sched_param none{};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    int const niceness = nice(1);
    mayfly::detail::ask_for_time_slice(200us);
    EXPECT_EQ(own_slice(), 200us);
    EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
    EXPECT_EQ(nice(0), niceness);
  }};
  batch.join();
}

TEST(TimeSlice, IsNotForAThreadOfAnotherPolicy) {
  std::thread idle{[] {
    sched_param none{};
    ASSERT_EQ(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    auto const before = own_slice();
    mayfly::detail::ask_for_time_slice(200us);
    EXPECT_EQ(own_slice(), before);
    EXPECT_EQ(sched_getscheduler(0), SCHED_IDLE);
  }};
  idle.join();
}

}  // namespace
