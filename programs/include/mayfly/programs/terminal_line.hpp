#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace mayfly::programs {

/// One line of text on standard error that is written over and over, ten times a second, by a thread of its own, and
/// wiped away in the end.
class terminal_line {
 public:
  /// `text` is asked for the line each time, on that thread; its argument is the width of the terminal, and what it
  /// gives is shorter.
  explicit terminal_line(std::function<std::string(std::size_t columns)> text);
  terminal_line(terminal_line const&) = delete;
  terminal_line& operator=(terminal_line const&) = delete;
  ~terminal_line();

 private:
  void show_until_ended();

  std::function<std::string(std::size_t)> text_;
  std::mutex mutex_;  // guards ended_
  std::condition_variable change_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace mayfly::programs
