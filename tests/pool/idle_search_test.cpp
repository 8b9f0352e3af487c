// Where an idle worker looks for work before it sleeps, and where it sleeps at once.

#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::request_context;

/// The processors that this process may use.
std::vector<std::size_t> usable() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<std::size_t> found;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return found;
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &allowed)) found.push_back(i);
  }
  return found;
}

void stay_on(std::vector<std::size_t> const& processors) {
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  for (std::size_t const one : processors) CPU_SET(one, &chosen);
  if (sched_setaffinity(0, sizeof chosen, &chosen) != 0) std::abort();
}

/// The calling thread, and those that it makes, on one processor until this ends.
class on_one_processor {
 public:
  explicit on_one_processor(std::size_t processor) { stay_on({processor}); }
  ~on_one_processor() { stay_on(before_); }
  on_one_processor(on_one_processor const&) = delete;
  on_one_processor& operator=(on_one_processor const&) = delete;

 private:
  std::vector<std::size_t> before_ = usable();
};

/// The one worker of such an executor, from outside.
class watched_worker {
 public:
  explicit watched_worker(executor& pool, std::vector<std::size_t> processors)
      : task_("/proc/self/task/" + pool.submit("tid",
                                               [processors = std::move(processors)](request_context&) {
                                                 if (!processors.empty()) stay_on(processors);
                                                 return std::to_string(gettid());
                                               })
                                       .get()) {}

  void await_sleep() const {
    while (state() != 'S') std::this_thread::sleep_for(1ms);
  }
  [[nodiscard]] std::chrono::nanoseconds processor_time() const {
    long long nanoseconds = 0;
    std::ifstream schedstat{task_ + "/schedstat"};
    schedstat >> nanoseconds;
    return std::chrono::nanoseconds{nanoseconds};
  }

 private:
  [[nodiscard]] char state() const {
    std::string line;
    std::ifstream stat{task_ + "/stat"};
    std::getline(stat, line);
    auto const name_end = line.rfind(") ");
    return name_end == std::string::npos ? '?' : line.at(name_end + 2);
  }

  std::string task_;
};

void run_one(executor& pool) {
  pool.submit("any", [](request_context&) {}).get();
}

TEST(IdleSearch, IsNoneOnTheProcessorOfTheThreadThatWokeTheWorker) {
  on_one_processor const here{usable().front()};
  executor pool{{.workers = 1, .idle_spin = 500ms}};
  watched_worker const worker{pool, {}};
  worker.await_sleep();
  auto const before = worker.processor_time();
  run_one(pool);
  worker.await_sleep();
  run_one(pool);
  worker.await_sleep();
  EXPECT_EQ(pool.stats().wakeups, 2U);
  EXPECT_LT(worker.processor_time() - before, 250ms);
}

TEST(IdleSearch, OnAnotherProcessorSparesTheWakeUp) {
  auto const processors = usable();
  if (processors.size() < 2) GTEST_SKIP() << "one processor here";
  on_one_processor const here{processors[0]};
  executor pool{{.workers = 1, .idle_spin = 1s}};
  watched_worker const worker{pool, {processors[1]}};
  worker.await_sleep();
  for (int i = 0; i < 3; ++i) {
    run_one(pool);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(pool.stats().wakeups, 1U);
}

}  // namespace
