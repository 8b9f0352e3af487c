#include "trimmer.hpp"

#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::executor_options;
using mayfly::page_pool;
using mayfly::page_span;
using mayfly::request_context;
using mayfly::detail::memory_pressure;
using mayfly::detail::trimmer;

constexpr std::size_t mib = std::size_t{1} << 20U;

void take_and_give(page_pool& pool, int count) {
  std::vector<page_span> pages;
  for (int i = 0; i < count; ++i) pages.push_back(pool.take_page(2));
  for (page_span const& page : pages) pool.give_page(2, page.index);
}

/// Memory that is short when the test says so.
class said_pressure {
 public:
  said_pressure() { say(0); }
  ~said_pressure() { std::filesystem::remove(file_); }
  said_pressure(said_pressure const&) = delete;
  said_pressure& operator=(said_pressure const&) = delete;

  void say(int percent) const { std::ofstream{file_} << "some avg10=" << percent << ".00 avg60=0.00\n"; }
  [[nodiscard]] memory_pressure reader() const { return {"", "/nowhere", file_}; }

 private:
  std::string file_ = std::filesystem::temp_directory_path() / ("mayfly-psi-" + std::to_string(getpid()));
};

TEST(Trimmer, GivesAllThatIsIdleBackAtOnceWhereMemoryIsShort) {
  page_pool pool{{.idle_floor_bytes = mib}};
  said_pressure const pressure;
  trimmer trims{pool, pressure.reader()};
  take_and_give(pool, 100);
  EXPECT_EQ(trims.end_epoch(), 0U);
  EXPECT_EQ(trims.pressure_trims(), 0U);
  pressure.say(50);
  EXPECT_GE(trims.end_epoch(), 24 * mib - mib);
  EXPECT_LE(pool.committed_bytes(), mib);
  EXPECT_EQ(trims.pressure_trims(), 1U);
  EXPECT_GE(trims.returned_bytes(), 24 * mib - mib);
}

TEST(Trimmer, EndsAnEpochEveryInterval) {
  page_pool pool{{.idle_floor_bytes = 0, .idle_epochs = 2}};
  said_pressure const pressure;
  trimmer trims{pool, pressure.reader()};
  take_and_give(pool, 100);
  trims.start("trims", 1ms);
  while (pool.committed_bytes() != 0) std::this_thread::sleep_for(1ms);
  trims.stop();
  EXPECT_EQ(trims.returned_bytes(), 25 * mib);
}

TEST(Trimmer, StopsAtOnceHoweverLongItsInterval) {
  page_pool pool;
  said_pressure const pressure;
  trimmer trims{pool, pressure.reader()};
  trims.start("trims", 1h);
  auto const began = std::chrono::steady_clock::now();
  trims.stop();
  trims.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10min);
}

/// Requests that hold 16 MiB at once, then none.
void burst(executor& pool) {
  std::vector<std::future<void>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(pool.submit("burst", [](request_context& request) {
      for (int k = 0; k < 256; ++k) static_cast<void>(request.arena().allocate(16'000));
      std::this_thread::sleep_for(1ms);
    }));
  }
  for (auto& one : all) one.wait();
}

TEST(ExecutorTrims, ByItselfWhatNobodyNeeds) {
  executor pool{{.workers = 4, .trim_interval = 100ms}};
  burst(pool);
  std::size_t const most = pool.pages().stats().peak_committed_bytes;
  while (pool.pages().committed_bytes() > most / 2) std::this_thread::sleep_for(10ms);
  EXPECT_GE(pool.stats().trimmed_bytes, most / 2 - mib);
}

TEST(ExecutorTrims, NothingWhereItIsNotToOrThePagesAreOthers) {
  page_pool shared;
  executor told{{.workers = 4, .trim_interval = 0ns}};
  executor guest{{.workers = 4, .pages = &shared, .trim_interval = 100ms}};
  burst(told);
  burst(guest);
  std::size_t const own = told.pages().committed_bytes();
  std::size_t const others = shared.committed_bytes();
  std::this_thread::sleep_for(2s);  // ByItself takes some 1.1
  EXPECT_EQ(told.pages().committed_bytes(), own);
  EXPECT_EQ(shared.committed_bytes(), others);
  EXPECT_EQ(told.stats().trimmed_bytes + guest.stats().trimmed_bytes, 0U);
}

}  // namespace
