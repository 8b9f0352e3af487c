#include "file_parts.hpp"

#include <boost/endian/conversion.hpp>

#include <algorithm>
#include <cstdint>

namespace mayfly::test {
namespace {

std::uint32_t number_at(std::span<std::byte const> bytes, std::size_t at) {
  return boost::endian::load_little_u32(reinterpret_cast<unsigned char const*>(bytes.data() + at));
}

void add_number(std::vector<std::byte>& to, std::uint32_t number) {
  to.resize(to.size() + 4);
  boost::endian::store_little_u32(reinterpret_cast<unsigned char*>(to.data() + to.size() - 4), number);
}

std::uint32_t checksum_of(file_parts::block const& block) {
  return trace::checksum(block.content, trace::checksum({&block.kind, 1}));
}

}  // namespace

std::optional<file_parts> file_parts::of(std::span<std::byte const> file) {
  auto const head = std::as_bytes(std::span{trace::magic});
  if (file.size() < trace::file_head_bytes || !std::ranges::equal(file.first(head.size()), head)) return std::nullopt;
  std::size_t const settings_bytes = number_at(file, head.size() + 4);
  file = file.subspan(trace::file_head_bytes);
  if (settings_bytes > file.size()) return std::nullopt;
  file_parts parts;
  parts.settings.assign(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(settings_bytes));
  file = file.subspan(settings_bytes);
  while (file.size() >= trace::block_head_bytes) {
    std::size_t const bytes = number_at(file, 0);
    std::byte const kind = file[trace::block_head_bytes - 1];
    file = file.subspan(trace::block_head_bytes);
    if (bytes > file.size()) return std::nullopt;
    parts.blocks.push_back({kind, {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(bytes)}});
    file = file.subspan(bytes);
  }
  return parts;
}

std::vector<std::byte> file_parts::whole() const {
  auto const head = std::as_bytes(std::span{trace::magic});
  std::vector<std::byte> file{head.begin(), head.end()};
  add_number(file, trace::version);
  add_number(file, static_cast<std::uint32_t>(settings.size()));
  add_number(file, trace::checksum(settings));
  file.insert(file.end(), settings.begin(), settings.end());
  for (block const& each : blocks) {
    add_number(file, static_cast<std::uint32_t>(each.content.size()));
    add_number(file, checksum_of(each));
    file.push_back(each.kind);
    file.insert(file.end(), each.content.begin(), each.content.end());
  }
  return file;
}

}  // namespace mayfly::test
