#include "file_writer.hpp"

#include <boost/endian/conversion.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::trace {

int memory_output::write(std::span<std::byte const> bytes) noexcept {
  try {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return 0;
  } catch (std::bad_alloc const&) {
    return ENOMEM;
  }
}

file_output::file_output(std::string const& path)
    : file_{open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)} {
  if (file_ < 0) throw std::system_error(errno, std::generic_category(), path);
}

file_output::~file_output() { close(file_); }

int file_output::write(std::span<std::byte const> bytes) noexcept {
  while (!bytes.empty()) {
    ssize_t const written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? ENOSPC : errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

file_writer::file_writer(output& to, recorded_settings const& settings) : to_{to} {
  std::string const text = settings_as_json(settings);
  auto const content = std::as_bytes(std::span{text});
  std::array<std::byte, file_head_bytes> head;
  std::memcpy(head.data(), magic.data(), magic.size());
  auto* const numbers = reinterpret_cast<unsigned char*>(head.data() + magic.size());
  boost::endian::store_little_u32(numbers, version);
  boost::endian::store_little_u32(numbers + 4, static_cast<std::uint32_t>(content.size()));
  boost::endian::store_little_u32(numbers + 8, checksum(content));
  write(head);
  write(content);
}

void file_writer::write_block(block_kind kind, std::span<std::byte const> content) noexcept {
  std::array<std::byte, block_head_bytes> head;
  head[8] = static_cast<std::byte>(kind);
  std::uint32_t const sum = checksum(content, checksum(std::span{head}.subspan(8)));
  auto* const numbers = reinterpret_cast<unsigned char*>(head.data());
  boost::endian::store_little_u32(numbers, static_cast<std::uint32_t>(content.size()));
  boost::endian::store_little_u32(numbers + 4, sum);
  write(head);
  write(content);
}

void file_writer::finish(totals const& counted) noexcept {
  std::array<std::byte, 64> content;
  std::byte* at = content.data();
  for (std::uint64_t const number :
       {counted.requests, counted.arenas, counted.allocations, counted.dropped_requests, counted.dropped_arenas}) {
    at = write_varint(at, number);
  }
  write_block(block_kind::trailer, {content.data(), at});
}

void file_writer::write(std::span<std::byte const> bytes) noexcept {
  if (error_ != 0) return;
  error_ = to_.write(bytes);
  if (error_ == 0) bytes_ += bytes.size();
}

}  // namespace mayfly::trace
