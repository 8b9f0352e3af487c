#pragma once

#include <mayfly/trace/trace.hpp>
#include <mayfly/trace/trace_builder.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

namespace mayfly::test {

/// A file of this process and test that is gone at the end.
class temporary_file {
 public:
  explicit temporary_file(std::string const& name)
      : path_{std::filesystem::temp_directory_path() / ("mayfly-trace-" + std::to_string(getpid()) + '-' + name)} {}
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  temporary_file(temporary_file const&) = delete;
  temporary_file& operator=(temporary_file const&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline trace::recorded_settings some_settings() { return {.program = "a test", .workers = 2}; }

/// Sizes as requests have them: many small, few large, some too large for a page.
inline std::vector<trace::operation> some_operations(std::mt19937_64& random, std::size_t count) {
  std::vector<trace::operation> operations;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t const kind = random() % 1000;
    trace::operation next{.kind = trace::operation_kind::allocate, .bytes = random() % 200};
    if (kind < 20) next.bytes = random() % 20'000;
    if (kind == 0) next = {.kind = trace::operation_kind::allocate_block, .bytes = 100'000 + random() % 300'000};
    if (kind >= 20 && kind < 60) next.alignment = std::size_t{16} << (random() % 4);
    operations.push_back(next);
  }
  return operations;
}

}  // namespace mayfly::test
