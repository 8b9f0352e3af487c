#include "pipeline_support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/schedule_point.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory_resource>
#include <mutex>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace mayfly::service {
namespace {

using test::scratch_folder;

/// Finishes items on threads of its own, each after a random while, so that answers come in any order.
class random_finishers {
 public:
  random_finishers(answer_window& window, unsigned threads, std::uint64_t seed) : window_(window) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this, seed, i] { work(seed + i); });
  }
  ~random_finishers() {
    {
      std::scoped_lock const lock(mutex_);
      ended_ = true;
    }
    change_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  random_finishers(random_finishers const&) = delete;
  random_finishers& operator=(random_finishers const&) = delete;

  void start(work_item& item) {
    {
      std::scoped_lock const lock(mutex_);
      waiting_.push_back(&item);
    }
    change_.notify_one();
  }

 private:
  void work(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::unique_lock lock(mutex_);
    for (;;) {
      change_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      std::size_t const pick = random() % waiting_.size();
      work_item* const item = std::exchange(waiting_[pick], waiting_.back());
      waiting_.pop_back();
      lock.unlock();
      // No yield: where other programs want the processors that would take milliseconds each time.
      for (auto spins = random() % 2000; spins != 0; --spins) spun_.fetch_add(1, std::memory_order_relaxed);
      if (item->number % 7 == 0) {
        item->error.assign(failure::bad_json, "seventh", item->number);
      } else {
        item->answer.append("answer " + std::to_string(item->number) + std::string(random() % 3000, '.') + "\n");
      }
      window_.finish(*item);
      lock.lock();
    }
  }

  answer_window& window_;
  std::mutex mutex_;
  std::condition_variable change_;
  std::vector<work_item*> waiting_;
  bool ended_ = false;
  std::atomic<unsigned> spun_{0};
  std::vector<std::thread> threads_;
};

// ThreadSanitizer makes each of the many changes from thread to thread several times as long.
constexpr std::size_t requests = mayfly::test::thread_sanitized ? 300 : 2000;

TEST(AnswerWindow, WritesAnswersInOrderWhoeverFinishesFirst) {
  std::uint64_t const seed = std::random_device{}();
  for (std::size_t const size : {1U, 2U, 3U, 7U, 64U, 100U}) {
    scratch_folder const folder;
    answer_file file((folder / "out").string());
    {
      answer_window window(size, 1, file);
      random_finishers finishers(window, 4, seed);
      for (std::size_t number = 1; number <= requests; ++number) {
        work_item& item = window.vacant();
        ASSERT_EQ(item.state.load(std::memory_order_relaxed), work_item::phase::vacant);
        item.number = number;
        window.begin(item);
        finishers.start(item);
      }
      window.wait_until_empty();
      EXPECT_EQ(window.totals().requests, requests);
      EXPECT_EQ(window.totals().failed(), requests / 7);
      EXPECT_EQ(window.failed(), requests / 7);
    }
    file.close();
    auto const lines = test::lines_of(test::read_file(folder / "out"));
    ASSERT_EQ(lines.size(), requests) << "seed " << seed;
    for (std::size_t number = 1; number <= requests; ++number) {
      std::string const expected = number % 7 == 0 ? "{\"request\":" + std::to_string(number) +
                                                         ",\"error\":\"seventh\",\"at\":" + std::to_string(number) + "}"
                                                   : "answer " + std::to_string(number);
      ASSERT_TRUE(lines[number - 1].starts_with(expected)) << lines[number - 1].substr(0, 80) << " seed " << seed;
    }
  }
}

#ifdef MAYFLY_SCHEDULE_POINTS
/// What the writer meets just before it leaves: another thread that finishes its request and finds a writer at work.
struct late_finisher {
  answer_window* window = nullptr;
  work_item* item = nullptr;
  bool came = false;
};
late_finisher late;

TEST(AnswerWindow, TheWriterSeesWhatIsFinishedJustBeforeItLeaves) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(4, 1, file);
  work_item* items[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    items[i] = &window.vacant();
    items[i]->number = i + 1;
    items[i]->answer.append(std::to_string(i + 1) + "\n");
    window.begin(*items[i]);
  }
  late = {&window, items[1], false};
  set_schedule_hook([](char const* step) noexcept {
    if (std::string_view(step) != "answer_window.before_leaving" || std::exchange(late.came, true)) return;
    std::thread([] { late.window->finish(*late.item); }).join();
  });
  window.finish(*items[0]);
  set_schedule_hook(nullptr);
  EXPECT_TRUE(late.came);
  EXPECT_EQ(window.written(), 2U);
  EXPECT_EQ(file.lines_written(), 2U);
}
#endif

TEST(AnswerWindow, AnswersWhenNothingElseIsPendingAreWrittenAtOnce) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(100, 1, file);
  for (std::size_t number = 1; number <= 5; ++number) {
    work_item& item = window.vacant();
    item.number = number;
    item.answer.append(std::to_string(number) + "\n");
    window.begin(item);
    window.finish(item);
    EXPECT_EQ(file.lines_written(), number);
  }
}

TEST(AnswerWindow, AnswersWithRequestsPendingBehindThemAreWrittenInBatches) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(100, 1, file);
  std::vector<work_item*> items;
  for (std::size_t number = 1; number <= 2 * answer_window::write_count + 1; ++number) {
    items.push_back(&window.vacant());
    items.back()->number = number;
    items.back()->answer.append("x\n");
    window.begin(*items.back());
  }
  for (std::size_t i = 0; i + 1 < items.size(); ++i) {
    window.finish(*items[i]);
    EXPECT_EQ(file.lines_written(), (i + 1) / answer_window::write_count * answer_window::write_count);
  }
  window.finish(*items.back());
  EXPECT_EQ(file.lines_written(), items.size());
}

/// Each system call that writes is a message of its own.
TEST(AnswerWindow, ABatchOfSeveralAnswersIsWrittenByOneSystemCall) {
  constexpr std::size_t answers = 32;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  int const kept = ::dup(STDOUT_FILENO);
  ::dup2(ends[1], STDOUT_FILENO);
  {
    answer_file file("-");
    answer_window window(100, 1, file);
    std::vector<work_item*> items;
    for (std::size_t number = 1; number <= answers; ++number) {
      items.push_back(&window.vacant());
      items.back()->answer.append(std::to_string(number) + "\n");
      window.begin(*items.back());
    }
    for (work_item* const item : items) window.finish(*item);
  }
  ::dup2(kept, STDOUT_FILENO);
  ::close(kept);
  ::close(ends[1]);
  std::string all;
  std::size_t messages = 0;
  std::array<char, 4096> text;
  for (ssize_t got = 0; (got = ::recv(ends[0], text.data(), text.size(), 0)) > 0; ++messages) {
    all.append(text.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  EXPECT_EQ(test::lines_of(all).size(), answers);
  EXPECT_GT(messages, 1U) << "the first answers need not wait for the last";
  EXPECT_LE(messages, answers / 4);
}

TEST(AnswerWindow, WhatIsAnsweredIsWrittenWhenTheRequestBehindItWaitsForRoom) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(100, 1, file);
  std::vector<work_item*> items;
  for (std::size_t number = 1; number <= 4; ++number) {
    items.push_back(&window.vacant());
    items.back()->number = number;
    items.back()->answer.append("x\n");
    window.begin(*items.back());
  }
  window.finish(*items[0]);
  window.finish(*items[1]);
  EXPECT_EQ(file.lines_written(), 0U);
  EXPECT_FALSE(window.only_last_is_left());
  window.wait_for_room();
  EXPECT_EQ(file.lines_written(), 2U);
  EXPECT_FALSE(window.only_last_is_left());
  window.finish(*items[2]);  // the wait goes on
  EXPECT_EQ(file.lines_written(), 3U);
  EXPECT_TRUE(window.only_last_is_left());

  items.push_back(&window.vacant());
  items.back()->answer.append("x\n");
  window.begin(*items.back());  // it has ended
  window.finish(*items[3]);
  EXPECT_EQ(file.lines_written(), 3U);
  window.finish(*items[4]);
  EXPECT_EQ(file.lines_written(), 5U);
}

#ifdef MAYFLY_SCHEDULE_POINTS
TEST(AnswerWindow, TheWriterSeesThatTheReaderWaitsForRoomJustBeforeItLeaves) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(100, 1, file);
  work_item* items[2] = {};
  for (auto*& item : items) {
    item = &window.vacant();
    item->answer.append("x\n");
    window.begin(*item);
  }
  late = {&window, nullptr, false};
  set_schedule_hook([](char const* step) noexcept {
    if (std::string_view(step) != "answer_window.before_leaving" || std::exchange(late.came, true)) return;
    late.window->wait_for_room();
  });
  window.finish(*items[0]);
  set_schedule_hook(nullptr);
  EXPECT_TRUE(late.came);
  EXPECT_EQ(file.lines_written(), 1U);
}
#endif

/// The heap, until it is used up.
class limited_memory final : public std::pmr::memory_resource {
 public:
  bool used_up = false;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (used_up) throw std::bad_alloc{};
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* at, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(at, bytes, alignment);
  }
  bool do_is_equal(memory_resource const& other) const noexcept override { return this == &other; }
};

TEST(AnswerWindow, WithoutMemoryForALineTheOutputEndsAndTheRunDoesNotHang) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  limited_memory memory;
  answer_window window(4, 1, file, &memory);
  for (std::size_t number = 1; number <= 20; ++number) {
    work_item& item = window.vacant();
    item.number = number;
    memory.used_up = number == 3;
    if (number == 3) {
      item.error.assign(failure::bad_json, "third", 0);
    } else {
      item.answer.append(std::to_string(number) + "\n");
    }
    window.begin(item);
    window.finish(item);
    EXPECT_EQ(window.output_failed(), number >= 3);
  }
  window.wait_until_empty();
  EXPECT_TRUE(window.out_of_memory());
  EXPECT_EQ(window.totals().requests, 20U);
  EXPECT_EQ(window.totals().failed(), 1U);
  file.close();
  EXPECT_EQ(test::read_file(folder / "out"), "1\n2\n");  // whole lines, each in its place
}

TEST(PassTimes, KeepsABoundedNumberThatStandsForAllPasses) {
  using clock = pass_times::clock;
  pass_times times(1'000'000'000);
  for (std::size_t pass = 1; pass <= 3 * pass_times::most + 1; ++pass) {
    times.end_pass(clock::time_point(std::chrono::nanoseconds(10 * pass)));
    if (pass == pass_times::most) {
      EXPECT_EQ(times.durations({}).size(), pass_times::most);
    }
  }
  EXPECT_EQ(times.count(), 3 * pass_times::most + 1);
  auto const kept = times.durations({});
  EXPECT_EQ(kept.size(), 3 * pass_times::most / 4);
  for (auto const time : kept) ASSERT_EQ(time, std::chrono::nanoseconds(10));
}

TEST(AnswerWindow, OnlyTheFirstPassIsWritten) {
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(10, 3, file);
  for (std::size_t i = 0; i < 30; ++i) {
    work_item& item = window.vacant();
    item.number = i % 10 + 1;
    item.pass = i / 10;
    item.answer.append(std::to_string(item.number) + "\n");
    window.begin(item);
    window.finish(item);
  }
  window.wait_until_empty();
  file.close();
  EXPECT_EQ(test::read_file(folder / "out"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
  EXPECT_EQ(window.totals().requests, 30U);
  EXPECT_EQ(window.totals().passes.count(), 2U);
}

}  // namespace
}  // namespace mayfly::service
