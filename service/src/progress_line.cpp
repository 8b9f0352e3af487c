#include <mayfly/programs/quantities.hpp>
#include <mayfly/service/progress_line.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace mayfly::service {

namespace {

std::string minutes_and_seconds(double seconds) {
  std::array<char, 32> text;
  auto const whole = static_cast<unsigned long>(std::lround(seconds));
  std::snprintf(text.data(), text.size(), "%lu:%02lu", whole / 60, whole % 60);
  return text.data();
}

std::string bar(double share, std::size_t width) {
  auto const full = static_cast<std::size_t>(share * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "] ";
}

}  // namespace

std::string progress_text(std::uint64_t position, std::optional<std::uint64_t> total, std::uint64_t answered,
                          std::uint64_t failed, std::chrono::nanoseconds elapsed, std::size_t columns) {
  double const seconds = std::max(std::chrono::duration<double>(elapsed).count(), 1e-3);
  std::string figures = programs::with_commas(answered) + " requests, " +
                        programs::with_commas(static_cast<std::uint64_t>(static_cast<double>(answered) / seconds)) +
                        "/s";
  if (failed != 0) figures += ", " + programs::with_commas(failed) + " failed";
  std::string line = figures;
  if (total && *total > 0) {
    double const share = std::min(1.0, static_cast<double>(position) / static_cast<double>(*total));
    if (position > 0 && share < 1) figures += ", " + minutes_and_seconds(seconds * (1 - share) / share) + " left";
    std::array<char, 8> percent;
    std::snprintf(percent.data(), percent.size(), "%3.0f%% ", share * 100);
    line = percent.data() + figures;
    constexpr std::size_t least_bar = 10;
    if (columns > line.size() + least_bar + 4)
      line = bar(share, std::min<std::size_t>(30, columns - line.size() - 4)) + line;
  }
  if (line.size() >= columns) line.resize(columns > 0 ? columns - 1 : 0);
  return line;
}

progress_line::progress_line(run_progress const& progress, std::optional<std::uint64_t> total)
    : line_([&progress, total, began = std::chrono::steady_clock::now()](std::size_t columns) {
        // relaxed: figures to look at
        return progress_text(
            progress.position.load(std::memory_order_relaxed), total, progress.answered.load(std::memory_order_relaxed),
            progress.failed.load(std::memory_order_relaxed), std::chrono::steady_clock::now() - began, columns);
      }) {}

}  // namespace mayfly::service
