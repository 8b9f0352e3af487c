#include <mayfly/service/progress_line.hpp>
#include <mayfly/service/quantities.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace mayfly::service {

namespace {

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void to_terminal(std::string const& text) {
  // A progress line that cannot be shown is no reason to stop.
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

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
  std::string figures = with_commas(answered) + " requests, " +
                        with_commas(static_cast<std::uint64_t>(static_cast<double>(answered) / seconds)) + "/s";
  if (failed != 0) figures += ", " + with_commas(failed) + " failed";
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
    : progress_(progress), total_(total), thread_([this] { show_until_ended(); }) {}

progress_line::~progress_line() {
  {
    std::scoped_lock const lock(mutex_);
    ended_ = true;
  }
  change_.notify_one();
  thread_.join();
}

void progress_line::show_until_ended() {
  bool shown = false;
  std::unique_lock lock(mutex_);
  while (!change_.wait_for(lock, std::chrono::milliseconds(100), [&] { return ended_; })) {
    show();
    shown = true;
  }
  if (shown) to_terminal("\r\x1b[K");
}

void progress_line::show() {
  // relaxed: figures to look at
  auto const text = progress_text(
      progress_.position.load(std::memory_order_relaxed), total_, progress_.answered.load(std::memory_order_relaxed),
      progress_.failed.load(std::memory_order_relaxed), std::chrono::steady_clock::now() - began_, terminal_columns());
  to_terminal("\r" + text + "\x1b[K");
}

}  // namespace mayfly::service
