#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>

namespace mayfly::service {

/// Where answers go: a file, or standard output. One thread at a time.
///
/// Never throws after it is open: the first failure is kept, later writes do nothing. A regular file that could not be
/// written to its end is cut back to its last whole line.
class answer_file {
 public:
  /// "-" is standard output. Throws std::runtime_error saying what cannot be opened and why.
  explicit answer_file(std::string const& path);
  answer_file(answer_file const&) = delete;
  answer_file& operator=(answer_file const&) = delete;
  ~answer_file();

  /// Writes whole lines: `ends[i]` is the offset within `pieces` at which line i ends. Pieces are changed.
  void write(std::span<iovec> pieces, std::span<std::size_t const> ends);

  /// Closes it; with failed() this is the last time anything can go wrong.
  void close();

  [[nodiscard]] bool failed() const { return error_ != 0; }
  /// "cannot write to answers.ndjson: No space left on device"
  [[nodiscard]] std::string failure_text() const;
  [[nodiscard]] std::uint64_t bytes_written() const { return written_; }
  [[nodiscard]] std::uint64_t lines_written() const { return lines_; }

  /// Whether it is the same file as the one that `path` names, which would be emptied before it is read.
  [[nodiscard]] static bool would_empty(std::string const& out, std::string const& in);

 private:
  void fail(int error, std::uint64_t end_of_last_line);

  std::string name_;
  int file_ = -1;
  bool owned_ = false;
  bool regular_ = false;
  std::uint64_t start_ = 0;    // where in the file our first byte went
  std::uint64_t written_ = 0;  // bytes of ours in it
  std::uint64_t lines_ = 0;
  int error_ = 0;
};

}  // namespace mayfly::service
