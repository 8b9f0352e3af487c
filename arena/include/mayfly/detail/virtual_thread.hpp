#pragma once

#include <mayfly/detail/thread_index.hpp>

#include <utility>

namespace mayfly::detail {

/// A thread_index without a thread of its own, for simulations of many threads on few: whoever sits in its seat uses
/// the per-thread caches of that index. It says farewell at its end, as a thread does: what its caches hold goes to the
/// depot. One seat at a time, on any thread, one after the other.
class virtual_thread {
 public:
  /// Throws std::length_error where the process has no index left.
  virtual_thread();
  ~virtual_thread();
  virtual_thread(virtual_thread const&) = delete;
  virtual_thread& operator=(virtual_thread const&) = delete;

  /// While it lives, the calling thread is the virtual one to all that goes by this_thread_index(). Costs two stores.
  class seat {
   public:
    explicit seat(virtual_thread const& of) noexcept : own_{std::exchange(assigned_thread_index, of.index_)} {}
    ~seat() { assigned_thread_index = own_; }
    seat(seat const&) = delete;
    seat& operator=(seat const&) = delete;

   private:
    thread_index own_;
  };

 private:
  thread_index index_;
};

}  // namespace mayfly::detail
