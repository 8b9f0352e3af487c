// An executor in a memory control group of its own, with a limit that the kernel keeps. Only where MAYFLY_CGROUP=1 says
// that groups may be made here, below the one that this process is in, and where the kernel lets it.

#include "cgroup.hpp"
#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::request_context;
using mayfly::detail::cgroup_folder;
using mayfly::detail::read_file;
namespace fs = std::filesystem;

constexpr std::size_t mib = std::size_t{1} << 20U;
constexpr std::size_t limit_bytes = 512 * mib;

bool write(fs::path const& file, std::string const& text) {
  std::ofstream out{file};
  out << text << std::flush;
  return out.good();
}

/// A group for children of this process; gone at the end.
class own_group {
 public:
  explicit own_group(cgroup_folder const& around)
      : path_{fs::path{around.path} / ("mayfly-test-" + std::to_string(getpid()))}, unified_{around.unified} {
    std::error_code failed;
    made_ = fs::create_directory(path_, failed);
    usable_ = made_ && set_limit(limit_bytes);
  }
  ~own_group() {
    for (int tries = 0; made_ && rmdir(path_.c_str()) != 0 && tries < 1'000; ++tries) {
      std::this_thread::sleep_for(1ms);  // its last process is just going
    }
  }
  own_group(own_group const&) = delete;
  own_group& operator=(own_group const&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] bool unified() const { return unified_; }
  [[nodiscard]] bool set_limit(std::size_t bytes) const {
    return write(path_ / (unified_ ? "memory.high" : "memory.limit_in_bytes"), std::to_string(bytes));
  }
  [[nodiscard]] bool enter() const { return write(path_ / "cgroup.procs", std::to_string(getpid())); }
  [[nodiscard]] std::size_t usage() const {
    return std::strtoull(read_file(path_ / (unified_ ? "memory.current" : "memory.usage_in_bytes")).c_str(), nullptr,
                         10);
  }

 private:
  fs::path path_;
  bool unified_;
  bool made_ = false;
  bool usable_ = false;
};

/// What a child's exit status says.
enum : int { good = 0, not_let_in = 10, burst_failed, too_soon, never_short, kept_memory, kept_too_much };

/// In the group: idle memory beyond nine tenths of the limit goes back at once, long before the epochs would send it.
int run_in(own_group const& group) {
  if (!group.enter()) return not_let_in;
  executor pool{{.workers = 2, .page_options = {.idle_epochs = 64}, .trim_interval = 100ms}};
  {
    std::vector<mayfly::scope_hold> holds;
    for (int i = 0; i < 200; ++i) {
      holds.push_back(pool.submit("burst",
                                  [](request_context& request) {
                                    for (std::size_t taken = 0; taken < mib; taken += mib / 64) {
                                      std::memset(request.arena().allocate(mib / 64), 1, mib / 64);
                                    }
                                    return request.hold();
                                  })
                          .get());
    }
    if (group.usage() < 150 * mib) return burst_failed;
  }
  // All of it is idle now, and far from the limit; then the limit comes near.
  std::this_thread::sleep_for(300ms);
  if (pool.stats().pressure_trims != 0) return too_soon;
  std::size_t const most = group.usage();
  if (!group.set_limit(most / 95 * 100)) return not_let_in;
  auto const give_up = std::chrono::steady_clock::now() + 5s;  // the epochs would take 6.4
  while (pool.stats().pressure_trims == 0 || group.usage() > most / 2) {
    if (std::chrono::steady_clock::now() > give_up) return pool.stats().pressure_trims == 0 ? never_short : kept_memory;
    std::this_thread::sleep_for(5ms);
  }
  return pool.stats().trimmed_bytes > 100 * mib ? good : kept_too_much;
}

std::optional<cgroup_folder> group_around() {
  for (auto const& each :
       mayfly::detail::cgroup_folders(read_file(mayfly::detail::own_cgroups), mayfly::detail::cgroup_mount, "memory")) {
    char const* const usage = each.unified ? "memory.current" : "memory.usage_in_bytes";
    if (fs::exists(fs::path{each.path} / usage)) return each;  // the innermost that counts memory
  }
  return std::nullopt;
}

TEST(RealCgroup, IdleMemoryGoesBackWhereTheGroupsLimitIsNear) {
  if (std::getenv("MAYFLY_CGROUP") == nullptr) GTEST_SKIP() << "MAYFLY_CGROUP=1 lets it make control groups";
  auto const around = group_around();
  if (!around) GTEST_SKIP() << "no control group that counts memory is to be seen here";
  own_group const group{*around};
  if (!group.usable()) GTEST_SKIP() << "no group with a limit can be made in " << around->path;
  pid_t const child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    _exit(run_in(group));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == not_let_in) GTEST_SKIP() << "processes may not be moved into groups here";
  EXPECT_EQ(WEXITSTATUS(status), good) << burst_failed << ": the burst was none; " << too_soon
                                       << ": it went though there was room; " << never_short
                                       << ": not seen to be short; " << kept_memory << ": it was kept; "
                                       << kept_too_much << ": other memory went, not the pool's";
  std::printf("in a group of cgroup v%d\n", group.unified() ? 2 : 1);
}

}  // namespace
