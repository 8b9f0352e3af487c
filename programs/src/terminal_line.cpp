#include <mayfly/programs/terminal_line.hpp>

#include <chrono>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace mayfly::programs {

namespace {

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void to_terminal(std::string const& text) {
  // A progress line that cannot be shown is no reason to stop.
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace

terminal_line::terminal_line(std::function<std::string(std::size_t)> text)
    : text_(std::move(text)), thread_([this] { show_until_ended(); }) {}

terminal_line::~terminal_line() {
  {
    std::scoped_lock const lock(mutex_);
    ended_ = true;
  }
  change_.notify_one();
  thread_.join();
}

void terminal_line::show_until_ended() {
  bool shown = false;
  std::unique_lock lock(mutex_);
  while (!change_.wait_for(lock, std::chrono::milliseconds(100), [&] { return ended_; })) {
    to_terminal("\r" + text_(terminal_columns()) + "\x1b[K");
    shown = true;
  }
  if (shown) to_terminal("\r\x1b[K");
}

}  // namespace mayfly::programs
