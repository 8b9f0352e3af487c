#pragma once

#include "safe_memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::detail {

/// One mapping of this process, of memory that is neither a file's nor shared.
struct mapping_entry {
  memory_range range;
  bool writable = false;
  bool is_break = false;  ///< the memory that brk() moves: "[heap]"
  bool is_stack = false;  ///< the first thread's
};

/// Reads /proc/self/maps line by line through a buffer of its own.
class memory_map_reader {
 public:
  memory_map_reader() noexcept;
  ~memory_map_reader();
  memory_map_reader(memory_map_reader const&) = delete;
  memory_map_reader& operator=(memory_map_reader const&) = delete;

  /// false: the system does not show all of it.
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  /// The next private mapping without a file; false: there is none.
  [[nodiscard]] bool next(mapping_entry& into) noexcept;

 private:
  [[nodiscard]] bool next_line(std::string_view& line) noexcept;

  int file_;
  bool complete_;
  std::array<char, 8192> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Understands one line of /proc/self/maps; false: it is no private mapping without a file.
[[nodiscard]] bool parse_mapping(std::string_view line, mapping_entry& into) noexcept;

}  // namespace mayfly::detail
