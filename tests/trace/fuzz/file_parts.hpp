#pragma once

#include "format.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace mayfly::test {

/// A trace's file in its parts, whose contents can be changed: lengths and checksums are made when it is put together.
/// Otherwise nearly every mutation would end at a checksum.
struct file_parts {
  struct block {
    std::byte kind{};
    std::vector<std::byte> content;
  };
  std::vector<std::byte> settings;
  std::vector<block> blocks;

  /// Nothing where lengths and magic are not those of a trace; checksums are not looked at.
  static std::optional<file_parts> of(std::span<std::byte const> file);
  [[nodiscard]] std::vector<std::byte> whole() const;
};

}  // namespace mayfly::test
