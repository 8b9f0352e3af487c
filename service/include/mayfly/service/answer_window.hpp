#pragma once

#include <mayfly/latency_histogram.hpp>
#include <mayfly/service/answer_file.hpp>
#include <mayfly/service/pass_times.hpp>
#include <mayfly/service/work_item.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <vector>

namespace mayfly::service {

/// What has been through the window so far.
struct answer_totals {
  std::uint64_t requests = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  memory_split memory;
  std::array<std::uint64_t, failure_kinds> by_failure{};
  latency_histogram latency;
  pass_times passes;

  [[nodiscard]] std::uint64_t failed() const;
};

/// Puts answers back into the order of their requests, and bounds how many requests are under way.
///
///     oldest_ ............... ready_ ............... begun_            begun_ - oldest_ <= size
///     [ answered, to be written | pending or answered | vacant ]       a ring of work_items
///
/// One thread, the reader, begins requests in order; any thread finishes any of them. Answers are written by the
/// thread whose request completed a batch: no thread of its own waits for them, arenas are closed by the workers that
/// will use their pages next, and the bytes go to the file from where the handlers wrote them. A batch is written when
/// it is large enough (write_bytes, write_count) and when nothing is pending behind it, so that no answer waits for a
/// request that has not been read; nor is there a batch while the reader waits for the memory of answers. Batches are
/// small because arenas that wait are caches that grow cold: measured with answers of 4.6 KB, one worker, 54,000
/// requests/s writing one at a time, 62,000 four, 44,000 sixteen. Arenas wait for no more than a few requests
/// (waits_for()): where one request takes long, the answers behind it are copied and their arenas end.
class answer_window {
 public:
  static constexpr std::size_t write_bytes = 64 * 1024;
  static constexpr std::size_t write_count = 4;

  /// `size` requests under way at most. `passes` is how often the input comes; only the first one's answers are
  /// written. `memory` is for error lines and for lists of what is to be written.
  answer_window(std::size_t size, std::size_t passes, answer_file& file,
                std::pmr::memory_resource* memory = std::pmr::new_delete_resource());
  ~answer_window();
  answer_window(answer_window const&) = delete;
  answer_window& operator=(answer_window const&) = delete;

  /// The reader: the item for the next request. Waits while the window is full.
  [[nodiscard]] work_item& vacant();
  /// The reader: vacant()'s item has its request and is under way.
  void begin(work_item& item);
  /// How many requests before this one, which is under way, are not written yet. Any thread; it may be fewer by now.
  [[nodiscard]] std::size_t waits_for(work_item const& item) const {
    // relaxed: a hint
    return (static_cast<std::uint64_t>(&item - items_.get()) - oldest_.load(std::memory_order_relaxed)) & mask_;
  }
  /// Any thread: item.answer and item.hold, or item.error, are set. Do not touch the item afterwards.
  void finish(work_item& item) noexcept;

  /// The reader: no item has been written for a while; waits until one is, or for a millisecond.
  void wait_for_progress();
  /// The reader: the item begun last cannot be started before answers have given their memory back. Writes what is
  /// answered, and waits as wait_for_progress() does. Until the next begin() each answer is written as soon as it can.
  void wait_for_room();
  /// The reader: everything before the item begun last is written.
  [[nodiscard]] bool only_last_is_left() const;
  /// The reader: waits until everything begun is written.
  void wait_until_empty();
  [[nodiscard]] bool empty() const;

  /// Whether writing has failed: there is no point in reading on.
  [[nodiscard]] bool output_failed() const { return output_failed_.load(std::memory_order_relaxed); }
  /// Whether it has failed for want of memory: the file knows nothing of that. After wait_until_empty(), the reader.
  [[nodiscard]] bool out_of_memory() const { return out_of_memory_; }
  /// Requests written so far. Any thread.
  [[nodiscard]] std::uint64_t written() const { return oldest_.load(std::memory_order_relaxed); }
  /// Failed requests so far. Any thread.
  [[nodiscard]] std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

  /// After wait_until_empty(), on the reader's thread.
  [[nodiscard]] answer_totals const& totals() const { return totals_; }

 private:
  [[nodiscard]] work_item& at(std::uint64_t sequence) { return items_[sequence & mask_]; }
  [[nodiscard]] bool answered(std::uint64_t sequence);
  [[nodiscard]] bool something_to_write();
  bool take_turn() noexcept;
  void write_what_is_due();
  [[nodiscard]] bool gather();
  void write_batch();
  [[nodiscard]] bool compose(std::uint64_t begin, std::uint64_t end);
  void add_line(work_item& item);
  void count(work_item const& item, std::chrono::steady_clock::time_point now);
  void release(work_item& item);
  void wait_until_written(std::uint64_t sequence, bool with_timeout);
  void wake_reader();

  std::size_t size_;
  std::uint64_t mask_;
  std::unique_ptr<work_item[]> items_;

  // The reader's.
  alignas(64) std::atomic<std::uint64_t> begun_{0};
  std::atomic<bool> hurry_{false};  // no batches: the reader waits for what answers hold

  // Of whoever holds writing_.
  alignas(64) std::atomic<bool> writing_{false};
  std::atomic<std::uint64_t> oldest_{0};
  std::atomic<std::uint64_t> ready_{0};
  std::size_t ready_bytes_ = 0;
  answer_file& file_;
  std::pmr::vector<iovec> pieces_;
  std::pmr::vector<std::size_t> line_ends_;
  answer_buffer error_line_;
  answer_totals totals_;
  bool out_of_memory_ = false;
  std::atomic<bool> output_failed_{false};
  std::atomic<std::uint64_t> failed_{0};

  // Between the reader, when it waits, and the writer.
  alignas(64) std::atomic<std::uint64_t> wake_at_;  // oldest_ that the reader waits for; never when it does not wait
  std::mutex mutex_;
  std::condition_variable progress_;
};

}  // namespace mayfly::service
