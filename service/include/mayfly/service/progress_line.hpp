#pragma once

#include <mayfly/service/runner.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace mayfly::service {

/// The line that a progress display shows. `columns` is the width of the terminal; the text is shorter.
[[nodiscard]] std::string progress_text(std::uint64_t position, std::optional<std::uint64_t> total,
                                        std::uint64_t answered, std::uint64_t failed, std::chrono::nanoseconds elapsed,
                                        std::size_t columns);

/// Shows progress_text() on standard error ten times a second from a thread of its own, over and over in the same
/// line, and wipes it away in the end.
class progress_line {
 public:
  progress_line(run_progress const& progress, std::optional<std::uint64_t> total);
  progress_line(progress_line const&) = delete;
  progress_line& operator=(progress_line const&) = delete;
  ~progress_line();

 private:
  void show_until_ended();
  void show();

  run_progress const& progress_;
  std::optional<std::uint64_t> total_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::mutex mutex_;  // guards ended_
  std::condition_variable change_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace mayfly::service
