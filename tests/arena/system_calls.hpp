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

/// How often the library has called it since the program started.
std::size_t calls_of(refused_call::name which);

}  // namespace mayfly::test
