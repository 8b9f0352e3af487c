#include "file_descriptor.hpp"
#include <mayfly/service/answer_file.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mayfly::service {

namespace {

/// Takes `bytes` off the front.
std::span<iovec> advance(std::span<iovec> pieces, std::size_t bytes) {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (bytes != 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + bytes;
    pieces.front().iov_len -= bytes;
  }
  return pieces;
}

/// Somebody else's non-blocking pipe may be our output.
void wait_for_room(int file) {
  pollfd wanted{file, POLLOUT, 0};
  ::poll(&wanted, 1, -1);
}

}  // namespace

answer_file::opened answer_file::open(std::string const& path) {
  if (path == "-") {
    int const flags = ::fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
      throw std::runtime_error("standard output is not open for writing: say --out FILE");
    }
    return {STDOUT_FILENO, false};
  }
  // No O_TRUNC: the file may be one that is still to be read.
  int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw std::runtime_error("cannot open " + path + " for writing: " + system_reason(errno));
  return {file, true};
}

answer_file::answer_file(std::string const& path, opened file)
    : name_(file.owned ? path : "standard output"), file_(file.file), owned_(file.owned) {}

answer_file::answer_file(std::string const& path, std::function<void(answer_file const&)> const& look)
    : answer_file(path, open(path)) {
  if (look) look(*this);
  struct stat about{};
  if (::fstat(file_, &about) != 0 || !S_ISREG(about.st_mode)) return;
  if (owned_ && ::ftruncate(file_, 0) != 0)
    throw std::runtime_error("cannot empty " + path + ": " + system_reason(errno));
  may_be_cut_ = (::fcntl(file_, F_GETFL) & O_APPEND) == 0;
  off_t const at = ::lseek(file_, 0, SEEK_CUR);
  start_ = at < 0 ? 0 : static_cast<std::uint64_t>(at);
}

answer_file::~answer_file() { close(); }

void answer_file::write(std::span<iovec> pieces, std::span<std::size_t const> ends) {
  if (failed()) return;
  std::uint64_t const before = written_;
  while (!pieces.empty()) {
    auto const count = static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX));
    ssize_t const put = ::writev(file_, pieces.data(), count);
    if (put >= 0) {
      written_ += static_cast<std::uint64_t>(put);
      pieces = advance(pieces, static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      wait_for_room(file_);
    } else if (errno != EINTR) {
      int const error = errno;
      auto const done = std::upper_bound(ends.begin(), ends.end(), written_ - before);
      lines_ += static_cast<std::uint64_t>(done - ends.begin());
      fail(error, done == ends.begin() ? before : before + *(done - 1));
      return;
    }
  }
  lines_ += ends.size();
}

void answer_file::fail(int error, std::uint64_t end_of_last_line) {
  error_ = error;
  if (!may_be_cut_ || written_ == end_of_last_line) return;
  auto const end = static_cast<off_t>(start_ + end_of_last_line);
  if (::ftruncate(file_, end) == 0) {
    ::lseek(file_, end, SEEK_SET);  // for whoever shares the offset with us
    written_ = end_of_last_line;
  }
}

void answer_file::close() {
  if (!owned_ || file_ < 0) return;
  if (::close(file_) != 0 && error_ == 0) error_ = errno;
  file_ = -1;
}

std::string answer_file::failure_text() const { return "cannot write to " + name_ + ": " + system_reason(error_); }

bool answer_file::is_standard_output() const {
  struct stat ours{};
  struct stat standard{};
  if (file_ == STDOUT_FILENO) return true;
  if (::fstat(file_, &ours) != 0 || ::fstat(STDOUT_FILENO, &standard) != 0) return false;
  if (S_ISCHR(ours.st_mode) && ::isatty(file_) != 1) return false;
  return ours.st_dev == standard.st_dev && ours.st_ino == standard.st_ino;
}

}  // namespace mayfly::service
