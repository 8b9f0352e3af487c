#pragma once

#include <mayfly/allocation_recorder.hpp>
#include <mayfly/observer.hpp>
#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace mayfly::trace {

/// How a recorder is made.
struct recorder_options {
  recorded_settings settings{};
  /// Arenas recorded at once; those that begin beyond are dropped. 1 to 4,194,304, 4 KiB each. Threads keep up to
  /// 32 each for their next arenas, together up to a quarter of all, which others then do not get; nor do they get
  /// what another thread is just putting back.
  std::size_t most_arenas = 16'384;
  /// What each thread may have noted down and not yet written, in blocks of 64 KiB: 2 to 1,024.
  std::size_t blocks_per_thread = 16;
  /// Told of everything that the recorder is told of as an executor's observer. Must outlive it. Null: nobody.
  executor_observer* observer = nullptr;
};

/// What became of a recording.
struct recording_report {
  totals counted{};
  std::uint64_t file_bytes = 0;
  std::string error;  ///< why the file is not whole; empty where it is
};
/// "12 requests, 345 allocations in 6 arenas, 789 bytes", and what was dropped.
[[nodiscard]] std::string to_string(recording_report const& report);

/// Writes down what an executor's requests do with memory: executor_options::recorder and observer at once.
///
///     arena      its log: 4 KiB that only who uses the arena writes to; full, they go on
///     thread     a block of 64 KiB in the making      -- lock-free ring -->   the writing thread   --> file
///                                                     <-- lock-free ring --   empty blocks
///
/// Nobody who is recorded waits, takes a lock (but for a thread's first note) or asks for memory: where the writing
/// thread has not kept up, what would have been noted is dropped and counted. A file that cannot be written any more
/// ends the recording, not the run. Must outlive the executor or the page pool that it is given to. What it costs is in
/// trace/README.md.
class recorder final : public allocation_recorder, public executor_observer {
 public:
  /// Makes the file, or empties it. Throws std::system_error where it cannot, std::invalid_argument naming an option.
  recorder(std::string const& path, recorder_options const& options);
  /// As finish().
  ~recorder() override;
  recorder(recorder const&) = delete;
  recorder& operator=(recorder const&) = delete;

  /// Writes what is left and the file's end. Once nobody allocates any more; what is told later is lost. A second call
  /// only reports.
  recording_report finish();

  [[nodiscard]] allocation_log* begin(std::uint64_t owner_tag, std::size_t first_class) noexcept override;
  /// Whoever writes this log of begin()'s has missed something: the arena is dropped and counted, when it ends.
  static void lose(allocation_log& of) noexcept;

  void on_open(scope_id id, std::string_view route) noexcept override;
  void on_close(scope_id id, std::string_view route, outcome_kind kind) noexcept override;
  void on_refused(std::string_view route, admission_reason reason) noexcept override;
  void on_completion_failure(scope_id id, std::string_view route, std::exception_ptr const& error) noexcept override;

 private:
  class machinery;
  std::unique_ptr<machinery> machinery_;
};

}  // namespace mayfly::trace
