#include "memory_pressure.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using mayfly::detail::memory_pressure;

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

/// A folder that looks like /sys/fs/cgroup, of v2 or v1.
class MemoryPressure : public testing::Test {
 protected:
  MemoryPressure() { fs::create_directories(folder_); }
  ~MemoryPressure() override { fs::remove_all(folder_); }

  void write(std::string const& file, std::string const& text) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream{folder_ / file} << text << '\n';
  }
  void v2(std::string const& group, std::uint64_t usage, std::string const& high, std::string const& max) {
    write(group + "memory.current", std::to_string(usage));
    write(group + "memory.high", high);
    write(group + "memory.max", max);
  }
  void v1(std::string const& group, std::uint64_t usage, std::string const& soft, std::string const& hard) {
    write("memory/" + group + "memory.usage_in_bytes", std::to_string(usage));
    write("memory/" + group + "memory.soft_limit_in_bytes", soft);
    write("memory/" + group + "memory.limit_in_bytes", hard);
  }
  [[nodiscard]] bool is_short(std::string const& cgroup_file) const {
    return memory_pressure{cgroup_file, folder_.string(), (folder_ / "system").string()}.is_short();
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("mayfly-pressure-" + std::to_string(getpid()));
};

TEST_F(MemoryPressure, IsNoneWhereThereAreNoFilesOrNoLimits) {
  EXPECT_FALSE(is_short(""));
  EXPECT_FALSE(is_short("0::/nowhere\n3:memory:/nowhere\nnonsense\n"));
  v2("box/", 100 * mib, "max", "max");
  EXPECT_FALSE(is_short("0::/box\n"));
  v1("box/", 100 * mib, "9223372036854771712", "9223372036854771712");
  EXPECT_FALSE(is_short("3:memory:/box\n"));
}

TEST_F(MemoryPressure, ComesAtNineTenthsOfMemoryHigh) {
  v2("box/", 89 * mib, std::to_string(100 * mib), "max");
  EXPECT_FALSE(is_short("0::/box\n"));
  v2("box/", 90 * mib, std::to_string(100 * mib), "max");
  EXPECT_TRUE(is_short("0::/box\n"));
  v2("box/", 90 * mib, std::to_string(200 * mib), std::to_string(95 * mib));
  EXPECT_TRUE(is_short("0::/box\n")) << "by the hard limit, which is the lower one";
  v2("box/", 90 * mib, "max", std::to_string(200 * mib));
  EXPECT_FALSE(is_short("0::/box\n"));
}

TEST_F(MemoryPressure, CachesThatCanGoAtOnceAreNoUse) {
  v2("box/", 95 * mib, std::to_string(100 * mib), "max");
  write("box/memory.stat", "anon 1000\nactive_file 10485760\ninactive_file 10485760\nslab 7");
  EXPECT_FALSE(is_short("0::/box\n"));
  write("box/memory.stat", "anon 1000\nactive_file 10485760\ninactive_file 1048576\nslab 7");
  EXPECT_TRUE(is_short("0::/box\n"));
  v1("box/", 95 * mib, std::to_string(100 * mib), "9223372036854771712");
  write("memory/box/memory.stat", "inactive_file 0\ntotal_inactive_file 10485760");
  EXPECT_FALSE(is_short("3:memory:/box\n"));
  write("memory/box/memory.stat", "inactive_file 10485760\ntotal_inactive_file 0");
  EXPECT_TRUE(is_short("3:memory:/box\n")) << "this line is without the groups inside";
}

TEST_F(MemoryPressure, AGroupAroundCountsToo) {
  v2("outer/", 99 * mib, "max", std::to_string(100 * mib));
  v2("outer/inner/", 10 * mib, "max", std::to_string(100 * mib));
  EXPECT_TRUE(is_short("0::/outer/inner\n"));
  v1("outer/", 99 * mib, "9223372036854771712", std::to_string(100 * mib));
  EXPECT_TRUE(is_short("4:cpuset,memory:/outer/of/a/host\n")) << "as in a container, which does not see the inner ones";
  EXPECT_FALSE(is_short("4:cpuset:/outer\n"));
}

TEST_F(MemoryPressure, ComesWithStalledTasks) {
  write("box/memory.pressure", "some avg10=9.99 avg60=50.00 avg300=0.00 total=7\nfull avg10=99.00 avg60=0.00 total=7");
  EXPECT_FALSE(is_short("0::/box\n"));
  write("box/memory.pressure", "some avg10=10.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 total=7");
  EXPECT_TRUE(is_short("0::/box\n"));
  EXPECT_FALSE(is_short(""));
  write("system", "some avg10=12.50 avg60=0.00 avg300=0.00 total=7");
  EXPECT_TRUE(is_short("")) << "the whole system's";
}

/// A control group of this machine's with a limit, below the one that this process is in; nothing where that is not
/// permitted.
class real_group {
 public:
  explicit real_group(std::uint64_t limit) {
    std::ifstream own{"/proc/self/cgroup"};
    for (std::string line; std::getline(own, line);) {
      bool const v2 = line.starts_with("0::");
      if (!v2 && line.find(":memory:") == std::string::npos) continue;
      std::string const root = v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
      fs::path const made = root + line.substr(line.rfind(':') + 1) + "/mayfly-test-" + std::to_string(getpid());
      std::error_code error;
      if (!fs::create_directory(made, error)) continue;
      std::ofstream{made / (v2 ? "memory.high" : "memory.limit_in_bytes")} << limit << std::flush;
      folder_ = made;
      if (fs::exists(made / (v2 ? "memory.current" : "memory.usage_in_bytes"))) return;
      fs::remove(made, error);
      folder_.clear();
    }
  }
  ~real_group() {
    std::error_code error;
    if (!folder_.empty()) fs::remove(folder_, error);
  }
  real_group(real_group const&) = delete;
  real_group& operator=(real_group const&) = delete;

  [[nodiscard]] bool exists() const { return !folder_.empty(); }
  [[nodiscard]] bool enter() const {
    std::ofstream tasks{folder_ / "cgroup.procs"};
    tasks << getpid() << std::flush;
    return tasks.good();
  }

 private:
  fs::path folder_;
};

constexpr int not_permitted = 77;

constexpr std::uint64_t group_bytes = 128 * mib;

/// In a child: ends it with 0 where the group is found short once it is nearly full, and not before. In steps, as a
/// sanitizer takes several bytes for each, and nothing is freed, as a sanitizer takes memory for that too.
[[noreturn]] void fill_up(real_group const& group) {
  if (!group.enter()) _exit(not_permitted);
  memory_pressure const pressure;
  if (pressure.is_short()) _exit(1);
  std::vector<std::vector<char>> taken;
  taken.reserve(group_bytes / mib);
  while (taken.size() < group_bytes / mib && !pressure.is_short()) taken.emplace_back(mib, 'x');
  _exit(pressure.is_short() ? 0 : 2);
}

TEST(RealMemoryPressure, ComesWhenAGroupIsNearlyFull) {
  real_group const group{group_bytes};
  if (!group.exists()) GTEST_SKIP() << "no permission to make a memory control group here, or no such controller";
  pid_t const child = fork();
  if (child == 0) fill_up(group);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == not_permitted) GTEST_SKIP() << "no permission to enter a memory control group here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: short while empty, 2: not short when full";
}

}  // namespace
