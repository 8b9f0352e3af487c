#pragma once

#include <cstddef>

namespace mayfly::test {

/// While one of these lives, the named system call is refused with `error_number` after `granted` more calls. The calls
/// of the library under test pass through definitions in system_calls.cpp.
class refused_call {
 public:
  enum class name { mmap, mprotect, madvise, mincore };

  refused_call(name which, int error_number, std::size_t granted = 0);
  ~refused_call();
  refused_call(refused_call const&) = delete;
  refused_call& operator=(refused_call const&) = delete;

  [[nodiscard]] std::size_t refusals() const;

 private:
  name which_;
};

/// While one of these lives, the next call of that name waits where it is, on the thread that makes it, until it is let
/// go; calls after it do not.
class held_call {
 public:
  explicit held_call(refused_call::name which);
  ~held_call() { let_go(); }
  held_call(held_call const&) = delete;
  held_call& operator=(held_call const&) = delete;

  /// Until somebody is in there.
  void wait_for_caller() const;
  /// Any thread.
  void let_go();

 private:
  refused_call::name which_;
};

/// How often the library has called it since the program started.
std::size_t calls_of(refused_call::name which);

}  // namespace mayfly::test
