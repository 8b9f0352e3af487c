#include "options.hpp"
#include "processors.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_id.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sched.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using mayfly::executor_options;
using mayfly::detail::cpu_quota;
using mayfly::detail::resolve;

/// What the refusal says; empty when there was none.
std::string refusal(executor_options const& options) {
  try {
    static_cast<void>(resolve(options));
  } catch (std::invalid_argument const& error) {
    return error.what();
  }
  return {};
}

TEST(ExecutorOptions, ChooseWhatIsLeftOpen) {
  auto const chosen = resolve({});
  EXPECT_GE(chosen.workers, 2U);
  EXPECT_GE(chosen.max_in_flight, 1024U);
  EXPECT_EQ(chosen.max_queued, chosen.max_in_flight);
  EXPECT_GE(resolve({.max_queued = 10'000}).max_in_flight, 10'000U) << "room for what may be queued";
}

TEST(ExecutorOptions, AcceptTheLastSensibleValueAndRefuseTheFirstThatIsNot) {
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_EQ(refusal({.workers = executor_options::most_workers}), "");
  EXPECT_THAT(refusal({.workers = 1025}), AllOf(HasSubstr("workers"), HasSubstr("1025"), HasSubstr("1024")));
  EXPECT_EQ(refusal({.workers = 1, .max_in_flight = executor_options::most_in_flight}), "");
  EXPECT_THAT(refusal({.max_in_flight = executor_options::most_in_flight + 1}), HasSubstr("max_in_flight is 4194305"));
  EXPECT_THAT(refusal({.max_queued = executor_options::most_in_flight + 1}), HasSubstr("max_queued is 4194305"));
  EXPECT_EQ(refusal({.first_page_class = 2}), "");
  EXPECT_THAT(refusal({.first_page_class = 3}), HasSubstr("first_page_class is 3; allowed: 0 to 2"));
  EXPECT_EQ(refusal({.idle_spin = 1s}), "");
  EXPECT_THAT(refusal({.idle_spin = 1s + 1ns}), HasSubstr("idle_spin is 1000000001 ns"));
  EXPECT_THAT(refusal({.idle_spin = -1ns}), HasSubstr("idle_spin is -1 ns"));
  EXPECT_EQ(refusal({.time_slice = 0ns}), "");
  EXPECT_EQ(refusal({.time_slice = 100us}), "");
  EXPECT_EQ(refusal({.time_slice = 100ms}), "");
  EXPECT_THAT(refusal({.time_slice = 99'999ns}), HasSubstr("time_slice is 99999 ns; allowed: 0, or 100000 to"));
  EXPECT_THAT(refusal({.time_slice = 100ms + 1ns}), HasSubstr("time_slice is 100000001 ns"));
  EXPECT_THAT(refusal({.time_slice = -1ns}), HasSubstr("time_slice is -1 ns"));
  EXPECT_EQ(refusal({.trim_interval = 0ns}), "");
  EXPECT_EQ(refusal({.trim_interval = 100ms}), "");
  EXPECT_EQ(refusal({.trim_interval = 1h}), "");
  EXPECT_THAT(refusal({.trim_interval = 100ms - 1ns}),
              HasSubstr("trim_interval is 99999999 ns; allowed: 0, or 100 ms"));
  EXPECT_THAT(refusal({.trim_interval = 1h + 1ns}), HasSubstr("trim_interval is 3600000000001 ns"));
  EXPECT_THAT(refusal({.trim_interval = -1ns}), HasSubstr("trim_interval is -1 ns"));
  EXPECT_EQ(refusal({.max_timers = 1}), "");
  EXPECT_THAT(refusal({.max_timers = 0}), HasSubstr("max_timers is 0"));
  EXPECT_EQ(refusal({.max_timers = executor_options::most_timers}), "");
  EXPECT_THAT(refusal({.max_timers = executor_options::most_timers + 1}), HasSubstr("max_timers is 16777217"));
  EXPECT_EQ(refusal({.worker_stack_bytes = 4 << 20}), "");
  EXPECT_THAT(refusal({.worker_stack_bytes = (4 << 20) - 1}), HasSubstr("worker_stack_bytes is 4194303"));
  EXPECT_EQ(refusal({.first_generation = mayfly::scope_id::largest_generation}), "");
  EXPECT_THAT(refusal({.first_generation = 0}), HasSubstr("executor_options.first_generation is 0"));
  EXPECT_THAT(refusal({.first_generation = mayfly::scope_id::largest_generation + 1}),
              HasSubstr("first_generation is 1099511627776"));
  EXPECT_EQ(refusal({.guard = {.one_in = 1, .quarantine_pages = 65'536, .quarantine_bytes = 16'384}}), "");
  EXPECT_THAT(refusal({.guard = {.quarantine_pages = 0}}),
              HasSubstr("guard.quarantine_pages is 0; allowed: 1 to 65536"));
  EXPECT_THAT(refusal({.guard = {.quarantine_pages = 65'537}}), HasSubstr("guard.quarantine_pages is 65537"));
  EXPECT_THAT(refusal({.guard = {.quarantine_bytes = 16'383}}), HasSubstr("guard.quarantine_bytes is 16383"));
  EXPECT_THAT(refusal({.audit = {.one_in = 1, .most_bytes = 0}}), HasSubstr("audit.most_bytes is 0"));
  EXPECT_THAT(refusal({.egress = static_cast<mayfly::egress_action>(9)}),
              HasSubstr("egress is 9; allowed: refuse, log or abort"));
  EXPECT_EQ(refusal({.name = "tencharact"}), "");
  EXPECT_THAT(refusal({.name = "elevenchars"}), HasSubstr("name is \"elevenchars\""));
  EXPECT_THAT(refusal({.name = ""}), HasSubstr("name is \"\""));
  EXPECT_THAT(refusal({.name = "a b"}), HasSubstr("name is \"a b\""));
  mayfly::page_pool pages;
  EXPECT_EQ(refusal({.pages = &pages}), "");
  EXPECT_THAT(refusal({.page_budget_bytes = 1 << 20, .pages = &pages}), HasSubstr("page_budget_bytes"));
}

TEST(ExecutorOptions, AreRefusedBeforeAnyThreadIsMade) {
  EXPECT_THROW(mayfly::executor{{.workers = 100'000}}, std::invalid_argument);
}

class CpuQuota : public testing::Test {
 protected:
  CpuQuota() : root_(std::filesystem::temp_directory_path() / ("mayfly-quota-" + std::to_string(getpid()))) {}
  ~CpuQuota() override { std::filesystem::remove_all(root_); }

  void write(std::string const& path, std::string const& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  [[nodiscard]] std::string mount() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

/// Bytes of this process that are resident.
std::size_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(ExecutorOptions, RequestsThatMayBeInFlightCostNoMemoryUntilTheyAre) {
  std::size_t const before = resident_bytes();
  mayfly::executor const pool{{.workers = 1, .max_in_flight = std::size_t{1} << 20U, .max_queued = 16}};
  std::size_t const after = resident_bytes();
  EXPECT_LT(after, before + (std::size_t{64} << 20U)) << "a record each would be 320 MiB";
}

TEST_F(CpuQuota, IsTheLeastOnTheWayToTheRootInCgroupVersionTwo) {
  write("a/b/cpu.max", "250000 100000\n");
  write("a/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_quota("0::/a/b\n", mount()), 1.5);
  write("a/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_quota("0::/a/b\n", mount()), 2.5);
  write("cpu.max", "50000 100000\n");  // inside a container the root has one
  EXPECT_EQ(cpu_quota("0::/\n", mount()), 0.5);
}

TEST_F(CpuQuota, IsReadFromTheCpuControllerInCgroupVersionOne) {
  write("cpu/box/cpu.cfs_quota_us", "300000\n");
  write("cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_quota("5:memory:/box\n4:cpu,cpuacct:/box\n", mount()), 3.0);
  write("cpu/box/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpu_quota("4:cpuacct,cpu:/box\n", mount()), std::nullopt);
}

TEST_F(CpuQuota, IsNothingWhereThereAreNoFilesOrOddOnes) {
  EXPECT_EQ(cpu_quota("0::/nowhere\n", mount()), std::nullopt);
  EXPECT_EQ(cpu_quota("", mount()), std::nullopt);
  EXPECT_EQ(cpu_quota("nonsense\n::::\n", mount()), std::nullopt);
  write("cpu.max", "0 0\n");
  EXPECT_EQ(cpu_quota("0::/\n", mount()), std::nullopt);
}

TEST(Processors, AreThoseOfTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  std::size_t const all = mayfly::detail::usable_processors();
  EXPECT_GE(all, 1U);
  EXPECT_LE(all, static_cast<std::size_t>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(mayfly::detail::usable_processors(), 1U);
  EXPECT_EQ(resolve({}).workers, 2U) << "at least two: one waits while the other works";
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
