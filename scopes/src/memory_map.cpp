#include "memory_map.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

std::uintptr_t take_hex(std::string_view& text) noexcept {
  std::uintptr_t value = 0;
  char const* const end = std::from_chars(text.data(), text.data() + text.size(), value, 16).ptr;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view take_field(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::string_view const field = text.substr(0, text.find(' '));
  text.remove_prefix(field.size());
  return field;
}

}  // namespace

//     7f12a000-7f13b000 rw-p 00000000 00:00 0          [heap]
bool parse_mapping(std::string_view line, mapping_entry& into) noexcept {
  std::uintptr_t const first = take_hex(line);
  if (line.empty() || line.front() != '-') return false;
  line.remove_prefix(1);
  std::uintptr_t const end = take_hex(line);
  std::string_view const rights = take_field(line);
  take_field(line);  // offset
  take_field(line);  // device
  std::string_view const inode = take_field(line);
  std::string_view const name = take_field(line);
  if (rights.size() < 4 || rights[3] != 'p' || inode != "0" || end <= first) return false;
  into.range = {first, end - first};
  into.writable = rights[0] == 'r' && rights[1] == 'w';
  into.is_break = name == "[heap]";
  into.is_stack = name == "[stack]";
  return true;
}

memory_map_reader::memory_map_reader() noexcept
    : file_{::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)}, complete_{file_ >= 0} {}

memory_map_reader::~memory_map_reader() {
  if (file_ >= 0) ::close(file_);
}

bool memory_map_reader::next(mapping_entry& into) noexcept {
  std::string_view line;
  while (next_line(line)) {
    if (parse_mapping(line, into)) return true;
  }
  return false;
}

/// A line longer than the buffer (a path of 4 KiB fits) is given in parts, which are no mappings.
bool memory_map_reader::next_line(std::string_view& line) noexcept {
  while (true) {
    char const* const start = buffer_.data() + begin_;
    auto const* const newline = static_cast<char const*>(std::memchr(start, '\n', end_ - begin_));
    if (newline != nullptr) {
      line = {start, static_cast<std::size_t>(newline - start)};
      begin_ += line.size() + 1;
      return true;
    }
    if (begin_ == 0 && end_ == buffer_.size()) end_ = 0;
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - std::min(begin_, end_));
    end_ -= std::min(begin_, end_);
    begin_ = 0;
    ssize_t const got = file_ < 0 ? 0 : ::read(file_, buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0) complete_ = false;
    if (got <= 0) return false;
    end_ += static_cast<std::size_t>(got);
  }
}

}  // namespace mayfly::detail
