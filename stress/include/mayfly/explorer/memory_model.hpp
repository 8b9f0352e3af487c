#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mayfly::explorer {

/// Thread 0 sets a program up and looks at its end; 1 and up are the program's threads.
using thread_number = std::uint32_t;
inline constexpr std::size_t max_threads = 6;
inline constexpr std::size_t max_locations = 96;

/// What a thread knows: how far every thread has come (a vector clock, for races), and, of every atomic, which store is
/// the oldest that it may still read.
struct view {
  std::array<std::uint32_t, max_threads> clock{};
  std::array<std::uint16_t, max_locations> seen{};

  void join(view const& other, std::size_t locations) noexcept;
};

/// Who accessed a plain variable last, and at which tick of his.
struct access_record {
  std::array<std::uint32_t, max_threads> reads{};  // tick of each thread's last read; 0: none
  std::uint32_t write_tick = 0;
  thread_number writer = 0;
};

/// The values that atomics may show, after the C++20 memory model, as far as executions that run their threads step by
/// step can show them: an atomic keeps all its stores, in the order they were made in, and a load may read any of them
/// that coherence and what its thread knows allow.
///
/// Allowed and shown: stale reads by relaxed and acquire loads (store buffering, independent reads of independent
/// writes), and the loss of ordering where release or acquire is missing. A seq_cst load reads nothing older than the
/// last seq_cst store to its atomic, or than what an earlier seq_cst load of it has read. Release sequences are
/// continued by read-modify-writes alone (C++20). Allowed and not shown: stores that take effect before an earlier load
/// of their thread (load buffering), and stores whose modification order differs from the order they ran in. There are
/// no fences.
class memory_model {
 public:
  /// Forgets everything: a new execution with that many threads beside thread 0.
  void restart(std::size_t threads) noexcept;

  /// A new atomic with that value, made by thread `by`.
  [[nodiscard]] std::size_t make(thread_number by, std::uint64_t value);

  /// A store of an atomic, counted from 0 in modification order.
  using store_index = std::uint16_t;

  [[nodiscard]] store_index newest(std::size_t location) const noexcept {
    return static_cast<store_index>(stores_[location].size() - 1);
  }
  /// The oldest store that the thread may read there.
  [[nodiscard]] store_index oldest(thread_number by, std::size_t location, std::memory_order order) const noexcept;
  [[nodiscard]] std::uint64_t value(std::size_t location, store_index at) const noexcept {
    return stores_[location][at].value;
  }

  /// The thread reads that store (one between oldest() and newest()).
  void read(thread_number by, std::size_t location, store_index at, std::memory_order order) noexcept;
  void store(thread_number by, std::size_t location, std::uint64_t value, std::memory_order order);
  /// Reads the newest and replaces it, in one step.
  void exchange(thread_number by, std::size_t location, std::uint64_t value, std::memory_order order);

  /// Thread `to` knows what `from` knows now: a thread's start and end, a lock, a semaphore.
  void hand_over(view& to, view const& from) noexcept { to.join(from, stores_used_); }
  [[nodiscard]] view& of(thread_number thread) noexcept { return views_[thread]; }
  /// Moves the thread's clock on, so that what it does from now on is not taken for published.
  void tick(thread_number thread) noexcept { ++views_[thread].clock[thread]; }

  /// Plain accesses. false: it races with an earlier one.
  [[nodiscard]] bool plain_read(thread_number by, access_record& record) noexcept;
  [[nodiscard]] bool plain_write(thread_number by, access_record& record) noexcept;

 private:
  struct store_record {
    std::uint64_t value = 0;
    bool releases = false;
    view released;  // what an acquire load of this store learns; of no meaning unless `releases`
  };

  std::array<view, max_threads> views_{};
  std::array<std::vector<store_record>, max_locations> stores_;
  std::array<store_index, max_locations> newest_seq_cst_{};  // stored or read by a seq_cst operation
  std::size_t stores_used_ = 0;                              // locations made so far
};

}  // namespace mayfly::explorer
