#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace mayfly::stress {

/// Takes things from any thread to one that works them off.
template <class T>
class handoff {
 public:
  void push(T thing) {
    {
      std::scoped_lock const lock(mutex_);
      things_.push_back(std::move(thing));
    }
    change_.notify_one();
  }

  /// Waits for things and takes all there are; none: it has been closed, and everything has been taken.
  [[nodiscard]] std::vector<T> take_all() {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [this] { return closed_ || !things_.empty(); });
    return std::exchange(things_, {});
  }

  void close() {
    {
      std::scoped_lock const lock(mutex_);
      closed_ = true;
    }
    change_.notify_one();
  }

 private:
  std::mutex mutex_;  // guards the others
  std::condition_variable change_;
  std::vector<T> things_;
  bool closed_ = false;
};

}  // namespace mayfly::stress
