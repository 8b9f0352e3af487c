#include "file_descriptor.hpp"
#include <mayfly/service/request_source.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mayfly::service {

namespace {

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

void refuse_as_too_big(std::size_t most, request_text& into) {
  into.text = {};
  into.refused.format(failure::too_big, most, "larger than %zu bytes, the most a request may have", most);
}

// relaxed: a flag from a signal handler; nothing is read on the strength of it
bool stopped(source_options const& options) {
  return options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
}

/// read() that takes no notice of signals. -1: an error, in errno; 0: the end.
ssize_t read_some(int file, char* to, std::size_t bytes) {
  for (;;) {
    ssize_t const got = ::read(file, to, bytes);
    if (got >= 0 || errno != EINTR) return got;
  }
}

/// Waits until there is something to read, or until the run is to stop. A signal alone would not do: it may come
/// just before a read that then waits for ever.
void wait_for_input(int file, source_options const& options) {
  pollfd wanted[] = {{file, POLLIN, 0}, {options.stop_file, POLLIN, 0}};
  while (::poll(wanted, options.stop_file < 0 ? 1 : 2, -1) < 0 && errno == EINTR) {
  }
}

class line_source final : public request_source {
 public:
  line_source(file_descriptor file, std::string name, input_blocks& blocks, source_options const& options)
      : file_(std::move(file)), name_(std::move(name)), blocks_(blocks), options_(options) {
    struct stat about{};
    if (::fstat(file_.get(), &about) == 0 && S_ISREG(about.st_mode)) total_ = static_cast<std::uint64_t>(about.st_size);
  }

  source_state next(request_text& into) override {
    into.refused = {};
    for (;;) {
      auto const line = next_line();
      if (line == found::end) return source_state::end;
      if (line == found::failed) return source_state::failed;
      if (line == found::too_long) {
        refuse_as_too_big(options_.max_request_bytes, into);
        return source_state::request;
      }
      if (is_blank(line_)) continue;
      if (line_.size() > options_.max_request_bytes) {
        refuse_as_too_big(options_.max_request_bytes, into);
        return source_state::request;
      }
      into.text = line_;
      into.block = block_.share();
      return source_state::request;
    }
  }

  std::optional<std::uint64_t> total() const override { return total_; }
  std::uint64_t position() const override { return read_bytes_; }
  std::string failure_text() const override { return "cannot read " + name_ + ": " + system_reason(error_); }
  bool reads(file_identity const& file) const override { return identity_of(file_.get()) == file; }

 private:
  enum class found : unsigned char { line, too_long, end, failed };
  /// What is done with a line that is too long to be kept.
  enum class skipping : unsigned char {
    nothing,
    white_space,  ///< there was nothing else in it so far: it may yet turn out to be no request
    refused,      ///< it has been told
  };

  // block_ [ lines handed out | unread: begin_ .. end_ | room ]      searched_: no line feed in begin_ .. searched_
  found next_line() {
    for (;;) {
      char* const bytes = block_ ? block_->bytes() : nullptr;
      void* const feed =
          bytes == nullptr || searched_ == end_ ? nullptr : std::memchr(bytes + searched_, '\n', end_ - searched_);
      if (feed != nullptr) {
        auto const at = static_cast<std::size_t>(static_cast<char*>(feed) - bytes);
        std::size_t length = at - begin_;
        if (length > 0 && bytes[at - 1] == '\r') --length;
        line_ = {bytes + begin_, length};
        begin_ = searched_ = at + 1;
        auto const before = std::exchange(skipping_, skipping::nothing);
        if (before == skipping::nothing) return found::line;
        if (before == skipping::white_space && !is_blank(line_)) return found::too_long;
        continue;
      }
      searched_ = end_;
      if (outgrows_limit() && skip()) return found::too_long;
      if (at_end_) return last_line();
      if (!read_more()) return found::failed;
    }
  }

  /// Whether the line that was begun is too long even if all it still lacks is a CR, which would not count.
  [[nodiscard]] bool outgrows_limit() const {
    std::size_t const begun = end_ - begin_;
    return skipping_ != skipping::nothing || (begun > 1 && begun - 1 > options_.max_request_bytes);
  }

  /// Drops what is there of a line that is too long. True: it has just turned out to be a request.
  bool skip() {
    auto const before = skipping_;
    if (before != skipping::refused) {
      bool const blank = begin_ == end_ || is_blank({block_->bytes() + begin_, end_ - begin_});
      skipping_ = blank ? skipping::white_space : skipping::refused;
    }
    if (before == skipping::nothing) block_ = blocks_.take(0);  // ours alone until the line ends: see make_room
    begin_ = searched_ = end_ = 0;
    return before != skipping::refused && skipping_ == skipping::refused;
  }

  found last_line() {
    if (begin_ == end_) return found::end;
    line_ = {block_->bytes() + begin_, end_ - begin_};
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    begin_ = searched_ = end_;
    return found::line;
  }

  bool read_more() {
    make_room();
    if (!total_) wait_for_input(file_.get(), options_);
    if (stopped(options_)) {
      at_end_ = true;
      begin_ = end_;  // a line of which the rest was not read is no request
      return true;
    }
    ssize_t const got = read_some(file_.get(), block_->bytes() + end_, block_->capacity - end_);
    if (got < 0 && errno == EAGAIN) return true;  // somebody else's non-blocking pipe
    if (got < 0) {
      error_ = errno;
      return false;
    }
    at_end_ = got == 0;
    end_ += static_cast<std::size_t>(got);
    read_bytes_ += static_cast<std::uint64_t>(got);
    return true;
  }

  /// Where the block is full, the line that was begun moves to the front of another; twice as long, so that a long
  /// line is copied but a few times.
  void make_room() {
    if (block_ && end_ < block_->capacity) return;
    std::size_t const begun = end_ - begin_;
    block_ref roomier = blocks_.take(begun * 2);
    if (begun != 0) std::memcpy(roomier->bytes(), block_->bytes() + begin_, begun);
    block_ = std::move(roomier);
    begin_ = 0;
    searched_ = end_ = begun;
  }

  file_descriptor file_;
  std::string name_;
  input_blocks& blocks_;
  source_options options_;
  std::optional<std::uint64_t> total_;
  block_ref block_;
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
  std::size_t end_ = 0;
  std::string_view line_;
  skipping skipping_ = skipping::nothing;
  bool at_end_ = false;
  std::uint64_t read_bytes_ = 0;
  int error_ = 0;
};

class folder_source final : public request_source {
 public:
  folder_source(std::filesystem::path folder, std::vector<std::string> names, input_blocks& blocks,
                source_options const& options)
      : folder_(std::move(folder)), names_(std::move(names)), blocks_(blocks), options_(options) {}

  source_state next(request_text& into) override {
    if (next_ == names_.size() || stopped(options_)) return source_state::end;
    into.refused = {};
    into.text = {};
    into.file = names_[next_++];
    read_file(into);
    return source_state::request;
  }

  std::optional<std::uint64_t> total() const override { return names_.size(); }
  std::uint64_t position() const override { return next_; }
  bool reads(file_identity const& file) const override {
    return std::any_of(names_.begin(), names_.end(),
                       [&](std::string const& name) { return identity_of((folder_ / name).string()) == file; });
  }

 private:
  void read_file(request_text& into) {
    auto const unreadable = [&] {
      into.refused.assign(failure::unreadable, "cannot be read: " + system_reason(errno), 0);
    };
    // O_NONBLOCK: a pipe that is called x.json must not stop the run.
    file_descriptor const file(::open((folder_ / into.file).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return unreadable();
    struct stat about{};
    if (::fstat(file.get(), &about) != 0) return unreadable();
    if (!S_ISREG(about.st_mode)) return into.refused.assign(failure::unreadable, "cannot be read: not a file", 0);
    auto const size = static_cast<std::size_t>(about.st_size);
    if (size > options_.max_request_bytes) return refuse_as_too_big(options_.max_request_bytes, into);
    into.block = take_room(size + 1);
    std::size_t got = 0;
    // One byte of room more than the file had: so a file that grew meanwhile is seen to be longer.
    while (got <= size) {
      ssize_t const more = read_some(file.get(), room_ + got, size + 1 - got);
      if (more < 0) return unreadable();
      if (more == 0) break;
      got += static_cast<std::size_t>(more);
    }
    if (got > size) return into.refused.assign(failure::unreadable, "changed while it was read", 0);
    into.text = {room_, got};
    used_ += got;
  }

  /// Room for one file behind the one before it; small files share a block.
  block_ref take_room(std::size_t bytes) {
    if (!block_ || block_->capacity - used_ < bytes) {
      block_ = blocks_.take(bytes);
      used_ = 0;
    }
    room_ = block_->bytes() + used_;
    return block_.share();
  }

  std::filesystem::path folder_;
  std::vector<std::string> names_;
  input_blocks& blocks_;
  source_options options_;
  std::size_t next_ = 0;
  block_ref block_;
  std::size_t used_ = 0;
  char* room_ = nullptr;
};

class repeating_source final : public request_source {
 public:
  repeating_source(std::unique_ptr<request_source> from, std::size_t passes) : from_(std::move(from)), passes_(passes) {
    for (;;) {
      request_text text;
      source_state const state = from_->next(text);
      if (state == source_state::failed) throw input_error(from_->failure_text());
      if (state == source_state::end) break;
      requests_.push_back(std::move(text));
    }
  }

  source_state next(request_text& into) override {
    if (requests_.empty() || given_ == requests_.size() * passes_) return source_state::end;
    request_text const& again = requests_[given_ % requests_.size()];
    ++given_;
    into.text = again.text;
    into.file = again.file;
    into.refused = again.refused;  // the block stays with requests_
    return source_state::request;
  }

  std::optional<std::uint64_t> total() const override { return requests_.size() * passes_; }
  std::uint64_t position() const override { return given_; }
  bool reads(file_identity const& file) const override { return from_->reads(file); }

 private:
  std::unique_ptr<request_source> from_;
  std::size_t passes_;
  std::vector<request_text> requests_;
  std::size_t given_ = 0;
};

}  // namespace

std::unique_ptr<request_source> open_lines(std::string const& path, input_blocks& blocks,
                                           source_options const& options) {
  if (path == "-") {
    int const flags = ::fcntl(STDIN_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY) {
      throw input_error("standard input is not open for reading: say --in PATH");
    }
    return std::make_unique<line_source>(file_descriptor::borrow(STDIN_FILENO), "standard input", blocks, options);
  }
  file_descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw input_error("cannot open " + path + ": " + system_reason(errno));
  return std::make_unique<line_source>(std::move(file), path, blocks, options);
}

std::unique_ptr<request_source> open_folder(std::string const& path, input_blocks& blocks,
                                            source_options const& options) {
  std::error_code failure;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(path, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (entry->path().extension() == ".json") names.push_back(entry->path().filename().string());
  }
  if (failure) throw input_error("cannot read the folder " + path + ": " + failure.message());
  if (names.empty()) throw input_error("the folder " + path + " holds no .json file");
  std::sort(names.begin(), names.end());
  return std::make_unique<folder_source>(path, std::move(names), blocks, options);
}

std::unique_ptr<request_source> open_source(std::string const& path, input_blocks& blocks,
                                            source_options const& options) {
  std::error_code ignored;  // what cannot be looked at cannot be opened either, and open() has the better message
  if (path != "-" && std::filesystem::is_directory(path, ignored)) return open_folder(path, blocks, options);
  return open_lines(path, blocks, options);
}

std::unique_ptr<request_source> repeat_source(std::unique_ptr<request_source> from, std::size_t passes) {
  return std::make_unique<repeating_source>(std::move(from), passes);
}

}  // namespace mayfly::service
