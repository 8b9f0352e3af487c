#include "executor_core.hpp"
#include "support.hpp"
#include "worker.hpp"
#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// P9: statistics cost no shared cache line a request.
extern "C" {
extern char __data_start;  // NOLINT: the linker's names for where this program's variables begin and end
extern char _end;          // NOLINT
}

namespace {

using mayfly::executor;
using mayfly::request_context;
using mayfly::detail::context_access;
using mayfly::detail::executor_core;
using mayfly::detail::worker;
using mayfly::detail::worker_figures;
using mayfly::test::ignore;
using mayfly::test::wait_until;

constexpr std::size_t line_bytes = 64;

static_assert(alignof(worker_figures) == line_bytes && sizeof(worker_figures) % line_bytes == 0,
              "no line of the figures holds anything else");

std::uintptr_t address_of(void const* object) { return reinterpret_cast<std::uintptr_t>(object); }

/// Runs `look` on both workers of a pool, at the same time.
template <class Look>
void on_both_workers(executor& pool, Look&& look) {
  std::latch both(2);
  std::latch looked(2);
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(pool.try_submit(
        {},
        [&, i](request_context& request) {
          both.arrive_and_wait();
          look(i, request);
          looked.count_down();
        },
        ignore));
  }
  looked.wait();
  wait_until([&] { return pool.stats().in_flight == 0; });
}

TEST(WorkerFigures, LieOnLinesThatHoldNothingElse) {
  executor pool{{.workers = 2}};
  std::array<worker const*, 2> workers{};
  on_both_workers(pool, [&](std::size_t i, request_context&) { workers[i] = mayfly::detail::this_worker(); });
  ASSERT_NE(workers[0], workers[1]);
  for (worker const* const one : workers) {
    std::uintptr_t const begin = address_of(&one->figures);
    EXPECT_EQ(begin % line_bytes, 0U);
    EXPECT_EQ((begin + sizeof one->figures) % line_bytes, 0U);
    for (void const* const line :
         {static_cast<void const*>(&one->figures.queue_wait), static_cast<void const*>(&one->figures.run_time)}) {
      EXPECT_GE(address_of(line), begin);
      EXPECT_LT(address_of(line), begin + sizeof one->figures) << "the histograms are in place, not behind a pointer";
    }
  }
}

/// The bytes of a part of this process, read past whatever watches loads (a sanitizer).
class memory_view {
 public:
  memory_view(void const* begin, std::size_t bytes) : begin_(address_of(begin)), before_(bytes) { read(before_); }

  /// Notes the lines that differ from what they were at first.
  void look() {
    std::vector<char> now(before_.size());
    read(now);
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i] != before_[i])
        changed_.insert((begin_ + i) / line_bytes * line_bytes - begin_ / line_bytes * line_bytes);
    }
  }
  /// By their distance from the first line.
  [[nodiscard]] std::set<std::uintptr_t> const& changed() const { return changed_; }

 private:
  void read(std::vector<char>& into) const {
    int const memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(::pread(memory, into.data(), into.size(), static_cast<off_t>(begin_)), static_cast<ssize_t>(into.size()));
    ::close(memory);
  }

  std::uintptr_t begin_;
  std::vector<char> before_;
  std::set<std::uintptr_t> changed_;
};

using lines = std::set<std::uintptr_t>;

struct written_lines {
  lines core;     ///< of what all threads share of an executor
  lines globals;  ///< of this program's variables, but for the clock, which is set once a second in any case
};

/// Which lines of the state that threads share change while requests run.
written_lines lines_written(bool statistics) {
  executor pool{{.workers = 2, .statistics = statistics}};
  executor_core* core = nullptr;
  on_both_workers(pool, [&](std::size_t i, request_context& request) {
    if (i == 0) core = &context_access::core(request);
  });
  memory_view in_core(core, sizeof *core);
  memory_view in_globals(&__data_start, static_cast<std::size_t>(&_end - &__data_start));
  for (int round = 0; round < 300; ++round) {  // again and again: a word may be back at what it was
    for (int i = 0; i < 20; ++i) {
      while (!pool.try_submit({}, [](request_context&) {}, ignore)) std::this_thread::yield();
    }
    if (round % 2 == 0) wait_until([&] { return pool.stats().in_flight == 0; });
    in_core.look();
    in_globals.look();
  }
  lines globals = in_globals.changed();
  std::uintptr_t const clock =
      address_of(&mayfly::detail::cycle_clock::instance()) - address_of(&__data_start) / line_bytes * line_bytes;
  std::erase_if(globals, [&](std::uintptr_t line) {
    return line + line_bytes > clock && line < clock + sizeof(mayfly::detail::cycle_clock);
  });
  return {in_core.changed(), globals};
}

/// What is written for each request with statistics is seen in each run with them, and in none without.
TEST(WorkerFigures, AreAllThatStatisticsWriteInARequest) {
  if (&_end - &__data_start > 1 << 20) GTEST_SKIP() << "a sanitizer's own variables lie among the program's";
  lines core;
  lines globals;
  for (int run = 0; run < 3; ++run) {
    written_lines const without = lines_written(false);
    written_lines const with = lines_written(true);
    EXPECT_FALSE(without.core.empty()) << "nothing was seen to change: this proves nothing";
    auto const keep = [run](lines& suspects, lines const& those_with, lines const& those_without) {
      if (run == 0) suspects = those_with;
      std::erase_if(suspects, [&](auto line) { return !those_with.contains(line) || those_without.contains(line); });
    };
    keep(core, with.core, without.core);
    keep(globals, with.globals, without.globals);
  }
  EXPECT_THAT(core, testing::IsEmpty()) << "lines of the executor's core, by their byte";
  EXPECT_THAT(globals, testing::IsEmpty()) << "lines of the program's variables, by their byte";
}

}  // namespace
