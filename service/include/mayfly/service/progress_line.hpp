#pragma once

#include <mayfly/programs/terminal_line.hpp>
#include <mayfly/service/runner.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace mayfly::service {

/// The line that a progress display shows. `columns` is the width of the terminal; the text is shorter.
[[nodiscard]] std::string progress_text(std::uint64_t position, std::optional<std::uint64_t> total,
                                        std::uint64_t answered, std::uint64_t failed, std::chrono::nanoseconds elapsed,
                                        std::size_t columns);

/// Shows progress_text() on standard error while it lives.
class progress_line {
 public:
  progress_line(run_progress const& progress, std::optional<std::uint64_t> total);

 private:
  programs::terminal_line line_;
};

}  // namespace mayfly::service
