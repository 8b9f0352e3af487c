#pragma once

#include "format.hpp"
#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mayfly::trace {

/// Where a trace goes. Returns 0 or an errno.
class output {
 public:
  virtual ~output() = default;
  [[nodiscard]] virtual int write(std::span<std::byte const> bytes) noexcept = 0;
};

class memory_output final : public output {
 public:
  [[nodiscard]] int write(std::span<std::byte const> bytes) noexcept override;
  [[nodiscard]] std::vector<std::byte> take() noexcept { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// A file that is made, or emptied. The destructor closes it.
class file_output final : public output {
 public:
  /// Throws std::system_error.
  explicit file_output(std::string const& path);
  ~file_output() override;
  file_output(file_output const&) = delete;
  file_output& operator=(file_output const&) = delete;
  [[nodiscard]] int write(std::span<std::byte const> bytes) noexcept override;

 private:
  int file_;
};

/// Writes a trace block by block. After the first failure it writes nothing more.
class file_writer {
 public:
  file_writer(output& to, recorded_settings const& settings);

  void write_records(std::span<std::byte const> content) noexcept { write_block(block_kind::records, content); }
  void finish(totals const& counted) noexcept;

  [[nodiscard]] int error() const noexcept { return error_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  void write_block(block_kind kind, std::span<std::byte const> content) noexcept;
  void write(std::span<std::byte const> bytes) noexcept;

  output& to_;
  int error_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace mayfly::trace
