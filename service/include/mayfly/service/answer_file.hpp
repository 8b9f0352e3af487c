#pragma once

#include <mayfly/service/file_identity.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>

namespace mayfly::service {

/// Where answers go: a file, or standard output. One thread at a time.
///
/// Never throws after it is open: the first failure is kept, later writes do nothing. A regular file that could not be
/// written to its end is cut back to its last whole line, unless it was opened to append (>>): others may have
/// appended behind us, and their lines are not ours to cut off.
class answer_file {
 public:
  /// "-" is standard output. A file that is there is emptied, but not before `look` has seen it open: what that throws
  /// passes, and leaves the file as it was. Throws std::runtime_error saying what cannot be opened and why.
  explicit answer_file(std::string const& path, std::function<void(answer_file const&)> const& look = {});
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

  /// "standard output", or the path.
  [[nodiscard]] std::string const& name() const { return name_; }
  /// Nothing where it is no regular file.
  [[nodiscard]] std::optional<file_identity> identity() const { return identity_of(file_); }
  /// Whether what is printed on standard output goes to the same place and would mix with the answers, by whatever
  /// name it was opened. A device that is no terminal (/dev/null) mixes nothing.
  [[nodiscard]] bool is_standard_output() const;

 private:
  struct opened {
    int file;
    bool owned;
  };
  static opened open(std::string const& path);
  answer_file(std::string const& path, opened file);

  void fail(int error, std::uint64_t end_of_last_line);

  std::string name_;
  int file_ = -1;
  bool owned_ = false;
  bool may_be_cut_ = false;
  std::uint64_t start_ = 0;    // where in the file our first byte went
  std::uint64_t written_ = 0;  // bytes of ours in it
  std::uint64_t lines_ = 0;
  int error_ = 0;
};

}  // namespace mayfly::service
