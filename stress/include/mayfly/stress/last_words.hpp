#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace mayfly::stress {

/// For a report that may hang itself: a thread that stalls inside malloc() has the heap's lock, and text needs the
/// heap. What is said then is made ready beforehand; an alarm says it, and ends the process. One at a time in a
/// process.
class last_words {
 public:
  /// Before anything hangs. `text`: all that is said, but `number`, which comes between its two halves as it is then.
  last_words(std::string before, std::atomic<std::uint64_t> const& number, std::string after, int exit_code);
  ~last_words() = default;
  last_words(last_words const&) = delete;
  last_words& operator=(last_words const&) = delete;

  /// Unless this is called again within `patience`, whole seconds, the words are said, with the stack of the thread
  /// that gets the signal (SIGALRM, from here on ours), and the process ends. No heap, no lock.
  static void unless_within(std::chrono::seconds patience) noexcept;

 private:
  std::string before_;
  std::string after_;
};

}  // namespace mayfly::stress
