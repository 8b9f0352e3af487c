#pragma once

// What a program without mayfly would run its requests on. Each has post(task): runs it some time, on one of `workers`
// threads, and a destructor that waits for all of them.

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

/// A deque under a mutex, and a condition variable: what people write themselves. A worker that runs something takes
/// what is there before it sleeps, so that only sleepers have to be notified.
class deque_pool {
 public:
  explicit deque_pool(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~deque_pool() {
    {
      std::scoped_lock const lock{mutex_};
      ended_ = true;
    }
    changed_.notify_all();
  }
  deque_pool(deque_pool const&) = delete;
  deque_pool& operator=(deque_pool const&) = delete;

  template <class Task>
  void post(Task task) {
    bool somebody_sleeps = false;
    {
      std::scoped_lock const lock{mutex_};
      tasks_.emplace_back(std::move(task));
      somebody_sleeps = sleeping_ != 0;
    }
    if (somebody_sleeps) changed_.notify_one();
  }

 private:
  void work() {
    for (std::unique_lock lock{mutex_};;) {
      if (!tasks_.empty()) {
        auto const task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
      } else if (ended_) {
        return;
      } else {
        ++sleeping_;
        changed_.wait(lock);
        --sleeping_;
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t sleeping_ = 0;
  bool ended_ = false;
  std::vector<std::jthread> threads_;
};

/// Asio's pool.
class asio_pool {
 public:
  explicit asio_pool(std::size_t workers) : pool_{workers} {}
  ~asio_pool() { pool_.join(); }
  asio_pool(asio_pool const&) = delete;
  asio_pool& operator=(asio_pool const&) = delete;

  template <class Task>
  void post(Task task) {
    boost::asio::post(pool_, std::move(task));
  }

 private:
  boost::asio::thread_pool pool_;
};

/// oneTBB, task_arena::enqueue. oneTBB starts one thread fewer than it may run at once: the caller's own counts too.
class tbb_enqueue {
 public:
  explicit tbb_enqueue(std::size_t workers)
      : threads_{tbb::global_control::max_allowed_parallelism, workers + 1}, arena_{static_cast<int>(workers), 0} {}

  template <class Task>
  void post(Task task) {
    arena_.enqueue(std::move(task));
  }

 private:
  tbb::global_control threads_;
  tbb::task_arena arena_;
};

/// oneTBB, task_group::run: each submitter has a place in the arena, spawns into its own queue, from which the workers
/// steal, and waits for its group at the end. Posts only inside submit_all().
class tbb_task_group {
 public:
  explicit tbb_task_group(std::size_t workers, std::size_t submitters = 1)
      : threads_{tbb::global_control::max_allowed_parallelism, workers + submitters + 1},
        arena_{static_cast<int>(workers + submitters), static_cast<unsigned>(submitters)} {}

  /// Runs loop() on the calling thread, which submits in it.
  template <class Loop>
  void submit_all(Loop loop) {
    arena_.execute([&] {
      tbb::task_group group;
      group_ = &group;
      loop();
      group.wait();
    });
  }

  template <class Task>
  void post(Task task) {
    group_->run(std::move(task));
  }

 private:
  static inline thread_local tbb::task_group* group_ = nullptr;
  tbb::global_control threads_;
  tbb::task_arena arena_;
};

/// std::async: a thread for each task. As many as fit in the ring are kept, then the oldest is waited for.
class async_threads {
 public:
  explicit async_threads(std::size_t) {}

  template <class Task>
  void post(Task task) {
    thread_local std::vector<std::future<void>> ring(64);
    thread_local std::size_t next = 0;
    ring[next] = std::async(std::launch::async, std::move(task));  // waits for the one that was there
    next = (next + 1) % ring.size();
  }
};

}  // namespace bench
