#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

/// The threads that this process has, as the kernel knows them.
namespace mayfly::test {

/// The names of this process's threads.
inline std::vector<std::string> thread_names() {
  std::vector<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(entry.path() / "comm");
    std::string name;
    if (std::getline(in, name)) names.push_back(name);
  }
  return names;
}

inline std::size_t threads_of_this_process() {
  static bool const one_was_made = (std::thread([] {}).join(), true);  // ThreadSanitizer adds its own at the first
  static_cast<void>(one_was_made);
  return thread_names().size();
}

/// Whether no more than `threads` are left in the end: a joined thread may stay in /proc for a moment, one of an
/// earlier test too.
inline bool settles_at(std::size_t threads) {
  auto const give_up = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (threads_of_this_process() > threads) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace mayfly::test
