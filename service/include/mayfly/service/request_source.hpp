#pragma once

#include <mayfly/service/file_identity.hpp>
#include <mayfly/service/input_blocks.hpp>
#include <mayfly/service/request_error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::service {

/// One request as it comes from the input.
struct request_text {
  std::string_view text;
  block_ref block;        ///< what keeps `text`
  std::string_view file;  ///< where each request is a file of its own; lives as long as the source
  request_error refused;  ///< kind() is not none: the request is answered with this and never run
};

/// What next() found in the input.
enum class source_state : unsigned char {
  request,
  end,
  failed,  ///< the input could not be read to its end: see failure_text()
};

/// Where requests come from, in order. One thread.
class request_source {
 public:
  virtual ~request_source() = default;

  [[nodiscard]] virtual source_state next(request_text& into) = 0;

  /// What there is in all, where that is known: what a progress bar runs to.
  [[nodiscard]] virtual std::optional<std::uint64_t> total() const = 0;
  /// How much of total() has been read.
  [[nodiscard]] virtual std::uint64_t position() const = 0;
  [[nodiscard]] virtual std::string failure_text() const { return {}; }
  /// Whether requests come from this file, which must therefore not be written to.
  [[nodiscard]] virtual bool reads(file_identity const& file) const = 0;
};

/// Input that cannot be had at all. what() says what, where and why.
class input_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How to read.
struct source_options {
  std::size_t max_request_bytes = 16 * 1024 * 1024;
  std::atomic<bool> const* stop = nullptr;  ///< true ends the input
  int stop_file = -1;                       ///< readable once *stop is true, so that a read that waits can end
};

/// One request a line: a file, or standard input for "-". Lines end with LF or CR LF, the last one with either or
/// with nothing; a line of white space only, however long, is no request. A longer line than allowed is a refused
/// request. Of the input no more is in memory than the blocks that requests still refer to; a line that outgrows its
/// block is copied to one of twice its size, and so takes three times its size for that moment.
/// Throws input_error when the file cannot be opened for reading.
[[nodiscard]] std::unique_ptr<request_source> open_lines(std::string const& path, input_blocks& blocks,
                                                         source_options const& options);

/// One request a file: each *.json of a folder, by name. A file that cannot be read, or is too large, is a refused
/// request. Throws input_error when the folder cannot be read or has no such file.
[[nodiscard]] std::unique_ptr<request_source> open_folder(std::string const& path, input_blocks& blocks,
                                                          source_options const& options);

/// The one of the two that `path` is.
[[nodiscard]] std::unique_ptr<request_source> open_source(std::string const& path, input_blocks& blocks,
                                                          source_options const& options);

/// Reads everything that `from` has, and then gives it `passes` times over. Throws input_error where `from` fails.
[[nodiscard]] std::unique_ptr<request_source> repeat_source(std::unique_ptr<request_source> from, std::size_t passes);

}  // namespace mayfly::service
