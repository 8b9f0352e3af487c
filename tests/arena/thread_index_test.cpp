#include "support.hpp"
#include <mayfly/detail/thread_index.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

struct listener : thread_exit_listener {
  listener() { start_listening(); }
  ~listener() { stop_listening(); }
  void on_thread_exit(thread_index ending) noexcept override {
    std::scoped_lock const lock{mutex};
    ended.push_back(ending);
  }
  std::mutex mutex;
  std::vector<thread_index> ended;
};

TEST(ThreadIndex, StaysTheSameForAThread) {
  thread_index const index = this_thread_index();
  EXPECT_EQ(this_thread_index(), index);
  EXPECT_LT(index, thread_index_limit());
}

TEST(ThreadIndex, LivingThreadsHaveDifferentOnes) {
  constexpr std::size_t count = 100;
  std::barrier all_have_one{static_cast<std::ptrdiff_t>(count)};
  std::mutex mutex;
  std::set<thread_index> seen{this_thread_index()};
  test::run_threads(count, [&](std::size_t) {
    thread_index const mine = this_thread_index();
    {
      std::scoped_lock const lock{mutex};
      seen.insert(mine);
    }
    all_have_one.arrive_and_wait();
  });
  EXPECT_EQ(seen.size(), count + 1);
}

TEST(ThreadIndex, IsUsedAgainAfterItsThreadHasEnded) {
  static_cast<void>(this_thread_index());
  thread_index first = 0;
  thread_index second = 0;
  std::jthread{[&] { first = this_thread_index(); }}.join();
  thread_index const limit = thread_index_limit();
  std::jthread{[&] { second = this_thread_index(); }}.join();
  EXPECT_EQ(first, second);
  EXPECT_EQ(thread_index_limit(), limit);
}

TEST(ThreadExitListener, HearsOfEachEndOnce) {
  listener heard;
  thread_index index = 0;
  std::jthread{[&] { index = this_thread_index(); }}.join();
  std::jthread{[] {}}.join();  // has none, and is not heard of
  EXPECT_EQ(heard.ended, std::vector<thread_index>{index});
}

TEST(ThreadExitListener, IsNotAlone) {
  listener first;
  listener second;
  thread_index index = 0;
  std::jthread{[&] { index = this_thread_index(); }}.join();
  EXPECT_EQ(first.ended, std::vector<thread_index>{index});
  EXPECT_EQ(second.ended, std::vector<thread_index>{index});
}

TEST(ThreadExitListener, HearsNothingAfterItHasStopped) {
  listener first;
  {
    listener const second;
    listener const third;
  }
  thread_index index = 0;
  std::jthread{[&] { index = this_thread_index(); }}.join();
  EXPECT_EQ(first.ended, std::vector<thread_index>{index});
}

/// Ends no sooner than it is told to.
struct slow_listener : thread_exit_listener {
  slow_listener() { start_listening(); }
  ~slow_listener() { stop_listening(); }
  void on_thread_exit(thread_index) noexcept override {
    inside = true;
    while (!go) std::this_thread::yield();
  }
  void stop_listening_now() noexcept { stop_listening(); }
  std::atomic<bool> inside{false};
  std::atomic<bool> go{false};
};

TEST(ThreadExitListener, AForkWaitsForAThreadThatIsJustEnding) {
  static_cast<void>(this_thread_index());
  slow_listener slow;
  std::jthread const ending{[] { static_cast<void>(this_thread_index()); }};
  while (!slow.inside) std::this_thread::yield();
  // Not before the fork is under way, mostly; where it is before, nothing is tested, and nothing fails.
  std::jthread const telling{[&slow] {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    slow.go = true;
  }};
  pid_t const child = fork();
  if (child == 0) {
    alarm(10);  // ends a child that waits for a thread it does not have
    slow.stop_listening_now();
    // Not _exit(): at that ThreadSanitizer tells of a thread that has ended and that only the parent can join.
    syscall(SYS_exit_group, 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

/// As a library of the user's: a mutex that a fork takes, and that its threads hold while they come to us.
std::mutex theirs;
std::atomic<bool> fork_is_under_way{false};

void hold_theirs_in_forks() {
  pthread_atfork(
      [] {
        fork_is_under_way = true;
        theirs.lock();
      },
      [] { theirs.unlock(); }, [] { theirs.unlock(); });
}

TEST(ThreadIndex, AForkTakesTheDirectoryAfterWhatAThreadHoldsThatComesToIt) {
  pid_t const child = fork();
  if (child == 0) {
    alarm(10);  // ends a child that waits for ever
    hold_theirs_in_forks();
    static_cast<void>(this_thread_index());
    std::atomic<bool> holds{false};
    std::thread other{[&holds] {
      std::scoped_lock const lock{theirs};
      holds = true;
      while (!fork_is_under_way) std::this_thread::yield();
      static_cast<void>(this_thread_index());
    }};
    while (!holds) std::this_thread::yield();
    pid_t const inner = fork();
    if (inner == 0) _exit(0);
    other.join();
    _exit(waitpid(inner, nullptr, 0) == inner ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

struct late {
  std::atomic<thread_index>* seen;
  ~late() { *seen = this_thread_index(); }
};

TEST(ThreadIndex, IsStillThereInThreadLocalDestructors) {
  std::atomic<thread_index> seen{no_thread_index};
  thread_index index = 0;
  std::jthread{[&] {
    thread_local late object{&seen};
    static_cast<void>(object);
    index = this_thread_index();
  }}.join();
  EXPECT_EQ(seen, index);
}

TEST(ThreadIndex, IsNoneAfterTheFarewell) {
  static_cast<void>(this_thread_index());  // the farewell's key is made before this one, hence destroyed before it
  pthread_key_t key{};
  ASSERT_EQ(pthread_key_create(&key, [](void* seen) { *static_cast<thread_index*>(seen) = this_thread_index(); }), 0);
  thread_index seen = 0;
  std::jthread{[&] {
    static_cast<void>(this_thread_index());
    pthread_setspecific(key, &seen);
  }}.join();
  pthread_key_delete(key);
  EXPECT_EQ(seen, no_thread_index);
}

}  // namespace
}  // namespace mayfly::detail
