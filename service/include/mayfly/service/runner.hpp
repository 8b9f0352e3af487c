#pragma once

#include <mayfly/page_pool.hpp>
#include <mayfly/service/answer_window.hpp>
#include <mayfly/service/engine.hpp>
#include <mayfly/service/request_source.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace mayfly::service {

/// Calls of malloc and its kin by this process so far. Only the program `mayfly` counts them.
using malloc_counter = std::uint64_t (*)();

/// Pages that arenas took while a run went on, by where they came from.
struct page_origins {
  std::uint64_t magazine = 0;  ///< the thread's own
  std::uint64_t depot = 0;     ///< a magazine fetched from the depot that all threads share
  std::uint64_t system = 0;    ///< memory new from the system
  std::size_t peak_bytes = 0;  ///< the most the pool has held
};

/// Who still held an address of a request that ended, as audits have found: how many reports of each kind.
struct audit_reports {
  std::uint64_t globals = 0;
  std::uint64_t thread_locals = 0;  ///< suspects
  std::uint64_t heap_blocks = 0;    ///< suspects
};

/// What a run came to.
struct run_summary {
  answer_totals totals;
  std::size_t workers = 0;
  std::chrono::nanoseconds elapsed{0};
  std::size_t whole_passes = 0;  ///< 1 but where the input is repeated
  bool cut_pass = false;         ///< and the beginning of another
  double requests_per_pass = 0;
  std::vector<std::chrono::nanoseconds> passes;  ///< how long each whole one took, as pass_times keeps them
  std::optional<page_origins> pages;
  std::optional<memory_account> account;  ///< after the last answer; nothing: it was not asked for, or no pages
  std::optional<route_stats> sizes;       ///< of the last requests; nothing: nobody learned them
  std::optional<std::uint64_t> mallocs;
  std::uint64_t page_faults = 0;
  std::optional<audit_reports> audit;                ///< nothing: no request was audited
  bool stopped = false;                              ///< by the stop flag, before the input's end
  std::optional<trace::recording_report> recording;  ///< nothing: nobody recorded
  std::uint64_t answers_written = 0;
  std::string input_error;   ///< the input could not be read to its end
  std::string output_error;  ///< the answers could not be written to their end

  /// Whether the rates are those of the median pass: there are three or more, and none was cut short. Otherwise they
  /// are those of the whole run.
  [[nodiscard]] bool of_median_pass() const;
  [[nodiscard]] double requests_per_second() const;
  [[nodiscard]] double megabytes_per_second() const;
};

/// How far a run is; written by the thread that reads, readable by any while it goes on.
struct run_progress {
  // relaxed everywhere: figures to look at
  std::atomic<std::uint64_t> position{0};  ///< in units of request_source::total()
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};
};

/// What a run needs.
struct run_plan {
  request_source* source = nullptr;
  std::size_t requests_per_pass = 0;  ///< 0: one pass, of unknown length
  std::size_t passes = 1;
  input_blocks* blocks = nullptr;
  answer_file* output = nullptr;
  handler_settings const* handlers = nullptr;
  std::size_t window = 256;
  std::function<std::unique_ptr<engine>(answer_window&)> make_engine;
  std::atomic<bool> const* stop = nullptr;
  malloc_counter count_mallocs = nullptr;
  bool accounts = false;  ///< the summary is to say where every byte is
  bool audits = false;    ///< requests are audited: the summary is to count what is found
  run_progress* progress = nullptr;
};

/// Runs every request of the source and writes the answers. The calling thread reads; how many requests are read ahead
/// is bounded by the window and by the bytes of input in memory. Throws what make_engine throws.
[[nodiscard]] run_summary run(run_plan const& plan);

}  // namespace mayfly::service
