#include "pipeline_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mayfly::service {
namespace {

using test::scratch_folder;
using ::testing::HasSubstr;

/// Writes whole lines, each cut into pieces of `piece` bytes.
void write_lines(answer_file& file, std::vector<std::string> const& lines, std::size_t piece) {
  std::vector<iovec> pieces;
  std::vector<std::size_t> ends;
  std::size_t end = 0;
  for (auto const& line : lines) {
    for (std::size_t at = 0; at < line.size(); at += piece) {
      pieces.push_back({const_cast<char*>(line.data() + at), std::min(piece, line.size() - at)});
    }
    ends.push_back(end += line.size());
  }
  file.write(pieces, ends);
}

TEST(AnswerFile, WritesWholeLinesHoweverManyPieces) {
  scratch_folder const folder;
  std::vector<std::string> lines;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    lines.push_back(std::string(static_cast<std::size_t>(i % 50), 'x') + "\n");
    expected += lines.back();
  }
  answer_file file((folder / "out").string());
  write_lines(file, lines, 7);
  write_lines(file, {"last\n"}, 100);
  file.close();
  EXPECT_FALSE(file.failed());
  EXPECT_EQ(file.lines_written(), 3001U);
  EXPECT_EQ(test::read_file(folder / "out"), expected + "last\n");
}

/// The kernel writes what fits below the limit and refuses the rest, as a full disk does.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit const limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~file_size_limit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  file_size_limit(file_size_limit const&) = delete;
  file_size_limit& operator=(file_size_limit const&) = delete;

 private:
  rlimit before_{};
};

TEST(AnswerFile, ThatDoesNotFitIsCutBackToItsLastWholeLine) {
  scratch_folder const folder;
  for (std::size_t const room : {0U, 1U, 9U, 10U, 11U, 29U, 30U, 31U, 45U}) {
    answer_file file((folder / "out").string());
    {
      file_size_limit const limit(room);
      write_lines(file, {"0123456789\n"}, 3);
      write_lines(file, {"a\n", "0123456\n", "012345678\n", "last of them\n"}, 4);
      write_lines(file, {"never written\n"}, 4);
    }
    EXPECT_TRUE(file.failed() || room >= 44) << room;
    if (room < 44) {
      EXPECT_THAT(file.failure_text(), HasSubstr("/out: File too large"));
    }
    file.close();
    std::string const content = test::read_file(folder / "out");
    EXPECT_LE(content.size(), room);
    EXPECT_TRUE(content.empty() || content.ends_with('\n')) << content;
    EXPECT_TRUE(std::string("0123456789\na\n0123456\n012345678\nlast of them\nnever written\n").starts_with(content));
    EXPECT_EQ(static_cast<std::uint64_t>(std::count(content.begin(), content.end(), '\n')), file.lines_written());
    if (room == 31) {
      EXPECT_EQ(content, "0123456789\na\n0123456\n012345678\n");
    }
  }
}

TEST(AnswerFile, FullDeviceAndClosedPipeAreTold) {
  answer_file full("/dev/full");
  write_lines(full, {"x\n"}, 10);
  EXPECT_EQ(full.failure_text(), "cannot write to /dev/full: No space left on device");
  EXPECT_EQ(full.lines_written(), 0U);

  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  int const kept = ::dup(STDOUT_FILENO);
  ::dup2(ends[1], STDOUT_FILENO);
  answer_file closed("-");
  write_lines(closed, {"x\n"}, 10);
  ::dup2(kept, STDOUT_FILENO);
  ::close(kept);
  ::close(ends[1]);
  EXPECT_EQ(closed.failure_text(), "cannot write to standard output: Broken pipe");
}

TEST(AnswerFile, ThatCannotBeOpenedSaysWhy) {
  try {
    answer_file const file("/nowhere/out");
    FAIL();
  } catch (std::runtime_error const& error) {
    EXPECT_STREQ(error.what(), "cannot open /nowhere/out for writing: No such file or directory");
  }
}

TEST(AnswerFile, IsEmptiedOnlyAfterItWasLookedAt) {
  scratch_folder const folder;
  std::string const in = folder.write("in", "1\n");
  std::filesystem::create_hard_link(folder / "in", folder / "same");
  std::string const same = (folder / "same").string();
  auto const refuse_input = [&](answer_file const& file) {
    if (file.identity() && file.identity() == identity_of(in)) throw std::runtime_error("no");
  };
  EXPECT_THROW(answer_file(same, refuse_input), std::runtime_error);
  EXPECT_EQ(test::read_file(in), "1\n");
  EXPECT_NO_THROW(answer_file((folder / "other").string(), refuse_input));
  EXPECT_NO_THROW(answer_file("/dev/null", refuse_input));
  EXPECT_EQ(identity_of("/dev/null"), std::nullopt);
  {
    answer_file const file(same);
  }
  EXPECT_EQ(test::read_file(in), "");
}

/// Standard output, for a while.
class standard_output_to {
 public:
  explicit standard_output_to(int file) : kept_(::dup(STDOUT_FILENO)) { ::dup2(file, STDOUT_FILENO); }
  ~standard_output_to() {
    ::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }
  standard_output_to(standard_output_to const&) = delete;
  standard_output_to& operator=(standard_output_to const&) = delete;

 private:
  int kept_;
};

TEST(AnswerFile, ThatOthersAppendToIsNotCutBack) {
  scratch_folder const folder;
  std::string const path = folder.write("log", "before\n");
  int const log = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_GE(log, 0);
  {
    standard_output_to const here(log);
    answer_file file("-");
    write_lines(file, {"ours\n"}, 9);
    ASSERT_EQ(::write(log, "theirs\n", 7), 7);
    file_size_limit const limit(21);
    write_lines(file, {"too long\n"}, 9);
    EXPECT_TRUE(file.failed());
    EXPECT_EQ(file.lines_written(), 1U);
  }
  ::close(log);
  EXPECT_EQ(test::read_file(path), "before\nours\ntheirs\nto");
}

TEST(AnswerFile, KnowsStandardOutputByAnyName) {
  scratch_folder const folder;
  std::string const path = folder.write("out", "");
  int const out = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  int const null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    standard_output_to const here(out);
    EXPECT_TRUE(answer_file("-").is_standard_output());
    EXPECT_TRUE(answer_file(path).is_standard_output());
    EXPECT_TRUE(answer_file("/dev/stdout").is_standard_output());
    EXPECT_FALSE(answer_file((folder / "other").string()).is_standard_output());
  }
  {
    standard_output_to const here(null);
    EXPECT_FALSE(answer_file("/dev/null").is_standard_output());  // nothing mixes there
    EXPECT_THROW(answer_file("-"), std::runtime_error);
  }
  ::close(out);
  ::close(null);
}

}  // namespace
}  // namespace mayfly::service
