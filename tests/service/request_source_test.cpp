#include "pipeline_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

namespace mayfly::service {
namespace {

using test::scratch_folder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Everything a source gives; refused requests as "!" and the error's text.
std::vector<std::string> all_of(request_source& source) {
  std::vector<std::string> requests;
  request_text text;
  while (source.next(text) == source_state::request) {
    requests.push_back(text.refused.kind() == failure::none ? std::string(text.text)
                                                            : "!" + std::string(text.refused.text()));
  }
  return requests;
}

std::vector<std::string> lines(std::string_view content, source_options const& options = {}) {
  scratch_folder const folder;
  input_blocks blocks;
  return all_of(*open_lines(folder.write("in", content), blocks, options));
}

TEST(Lines, EndInAnyOfTheUsualWays) {
  EXPECT_THAT(lines("a\nb\n"), ElementsAre("a", "b"));
  EXPECT_THAT(lines("a\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(lines("a\r\nb\r\n"), ElementsAre("a", "b"));
  EXPECT_THAT(lines("a\r\nb\r"), ElementsAre("a", "b"));
  EXPECT_THAT(lines("a\rb\n"), ElementsAre("a\rb"));
}

TEST(Lines, WithNothingInThemAreNoRequests) {
  EXPECT_THAT(lines(""), IsEmpty());
  EXPECT_THAT(lines("\n"), IsEmpty());
  EXPECT_THAT(lines("\n\r\n \t\na\n\n\nb\n \n"), ElementsAre("a", "b"));
}

TEST(Lines, AsLongAsAllowedAreReadAndOneByteMoreIsRefused) {
  source_options options;
  options.max_request_bytes = 10;
  std::string const refused = "!larger than 10 bytes, the most a request may have";
  EXPECT_THAT(lines("0123456789\n01234567890\nx\n", options), ElementsAre("0123456789", refused, "x"));
  EXPECT_THAT(lines("0123456789\r\n01234567890\r\nx", options), ElementsAre("0123456789", refused, "x"));
  EXPECT_THAT(lines("01234567890", options), ElementsAre(refused));
  EXPECT_THAT(lines("0123456789", options), ElementsAre("0123456789"));
}

TEST(Lines, FarTooLongAreSkippedWithoutBeingKept) {
  source_options options;
  options.max_request_bytes = 1000;
  std::string const huge(5 * input_blocks::usual_bytes, 'x');
  scratch_folder const folder;
  input_blocks blocks;
  auto const source = open_lines(folder.write("in", "a\n" + huge + "\nb\n" + huge), blocks, options);
  request_text text;
  ASSERT_EQ(source->next(text), source_state::request);
  EXPECT_EQ(text.text, "a");
  ASSERT_EQ(source->next(text), source_state::request);
  EXPECT_EQ(text.refused.kind(), failure::too_big);
  EXPECT_EQ(text.refused.at(), 1000U);
  ASSERT_EQ(source->next(text), source_state::request);
  EXPECT_EQ(text.text, "b");
  EXPECT_LE(blocks.bytes_in_use(), 3 * input_blocks::usual_bytes);
  ASSERT_EQ(source->next(text), source_state::request);
  EXPECT_EQ(text.refused.kind(), failure::too_big);
  EXPECT_EQ(source->next(text), source_state::end);
}

TEST(Lines, OfWhiteSpaceOnlyAreNoRequestsHoweverLong) {
  source_options options;
  options.max_request_bytes = 1000;
  std::string const blanks(3 * input_blocks::usual_bytes, ' ');
  std::string const refused = "!larger than 1000 bytes, the most a request may have";
  EXPECT_THAT(lines("a\n" + blanks + "\r\nb\n" + blanks, options), ElementsAre("a", "b"));
  EXPECT_THAT(lines(blanks + "x\nb\n" + blanks + "x", options), ElementsAre(refused, "b", refused));
  EXPECT_THAT(lines(blanks + "x" + blanks + "\nb", options), ElementsAre(refused, "b"));
  EXPECT_THAT(lines("x" + blanks + "\nb", options), ElementsAre(refused, "b"));
}

TEST(Lines, MayBeAsLongAsANumberCanSay) {
  source_options options;
  options.max_request_bytes = static_cast<std::size_t>(-1);
  scratch_folder const folder;
  ASSERT_EQ(::mkfifo((folder / "in").c_str(), 0600), 0);
  std::thread writer([&] { folder.write("in", std::string(3 * input_blocks::usual_bytes, 'x') + "\nb"); });
  input_blocks blocks;
  auto const read = all_of(*open_lines((folder / "in").string(), blocks, options));
  writer.join();
  EXPECT_THAT(read, ElementsAre(std::string(3 * input_blocks::usual_bytes, 'x'), "b"));
}

TEST(Lines, OfAllSizesComeThroughBlocksWhole) {
  std::uint64_t const seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::string content;
  std::vector<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    std::size_t const size = 1 + random() % (random() % 20 == 0 ? 3 * input_blocks::usual_bytes : 5000);
    expected.push_back(std::string(size, static_cast<char>('a' + random() % 26)));
    content += expected.back() + (random() % 2 == 0 ? "\n" : "\r\n");
  }
  EXPECT_EQ(lines(content), expected) << "seed " << seed;
}

TEST(Lines, StayReadableWhileTheyAreKeptAndTheirBlocksAreUsedAgainAfterwards) {
  scratch_folder const folder;
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += "{\"line\":" + std::to_string(i) + "}\n";
  input_blocks blocks;
  auto const source = open_lines(folder.write("in", content), blocks, {});
  std::vector<request_text> kept(500);
  std::size_t most = 0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    request_text& text = kept[i % kept.size()];
    if (i >= kept.size()) {
      ASSERT_EQ(text.text, "{\"line\":" + std::to_string(i - kept.size()) + "}");
      text.block.release();
    }
    ASSERT_EQ(source->next(text), source_state::request);
    most = std::max(most, blocks.bytes_in_use());
  }
  EXPECT_LE(most, 3 * input_blocks::usual_bytes);
}

TEST(Lines, FromAPipeComeAsSoonAsTheyAreWhole) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  int const kept = ::dup(STDIN_FILENO);
  ::dup2(ends[0], STDIN_FILENO);
  {
    input_blocks blocks;
    auto const source = open_lines("-", blocks, {});
    request_text text;
    ASSERT_EQ(::write(ends[1], "one\ntw", 6), 6);
    ASSERT_EQ(source->next(text), source_state::request);
    EXPECT_EQ(text.text, "one");
    ASSERT_EQ(::write(ends[1], "o\n", 2), 2);
    ASSERT_EQ(source->next(text), source_state::request);
    EXPECT_EQ(text.text, "two");
    ::close(ends[1]);
    EXPECT_EQ(source->next(text), source_state::end);
  }
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
  ::close(ends[0]);
}

TEST(Lines, ThatWaitForAPipeEndWhenTheRunIsToStop) {
  int input[2];
  int wake[2];
  ASSERT_EQ(::pipe(input), 0);
  ASSERT_EQ(::pipe(wake), 0);
  int const kept = ::dup(STDIN_FILENO);
  ::dup2(input[0], STDIN_FILENO);
  std::atomic<bool> stop{false};
  source_options options;
  options.stop = &stop;
  options.stop_file = wake[0];
  ASSERT_EQ(::write(input[1], "half a li", 9), 9);
  std::thread stopper([&] {
    stop.store(true, std::memory_order_relaxed);
    ASSERT_EQ(::write(wake[1], "x", 1), 1);
  });
  input_blocks blocks;
  request_text text;
  EXPECT_EQ(open_lines("-", blocks, options)->next(text), source_state::end);
  stopper.join();
  ::dup2(kept, STDIN_FILENO);
  for (int const file : {kept, input[0], input[1], wake[0], wake[1]}) ::close(file);
}

TEST(Lines, ThatCannotBeOpenedSayWhy) {
  input_blocks blocks;
  try {
    auto const source = open_source("/nowhere/at/all.ndjson", blocks, {});
    FAIL();
  } catch (input_error const& error) {
    EXPECT_STREQ(error.what(), "cannot open /nowhere/at/all.ndjson: No such file or directory");
  }
}

TEST(Folder, GivesItsJsonFilesByName) {
  scratch_folder const folder;
  folder.write("b.json", "[2]\n");
  folder.write("a.json", "{\n}");
  folder.write("c.txt", "no");
  folder.write("ü.json", "3");
  folder.write("empty.json", "");
  input_blocks blocks;
  auto const source = open_source(folder.path().string(), blocks, {});
  EXPECT_EQ(source->total(), 4U);
  EXPECT_THAT(all_of(*source), ElementsAre("{\n}", "[2]\n", "", "3"));
}

TEST(Folder, FilesThatCannotBeReadAreRefusedRequests) {
  scratch_folder const folder;
  folder.write("a.json", "1");
  std::filesystem::create_directory(folder / "b.json");
  std::filesystem::create_symlink("nowhere", folder / "c.json");
  ASSERT_EQ(::mkfifo((folder / "d.json").c_str(), 0600), 0);
  folder.write("e.json", "0123456789");
  folder.write("f.json", "2");
  source_options options;
  options.max_request_bytes = 9;
  input_blocks blocks;
  auto const source = open_source(folder.path().string(), blocks, options);
  EXPECT_THAT(all_of(*source),
              ElementsAre("1", HasSubstr("!cannot be read"), "!cannot be read: No such file or directory",
                          "!cannot be read: not a file", "!larger than 9 bytes, the most a request may have", "2"));
}

TEST(Folder, WithNoJsonFileIsNoInput) {
  scratch_folder const folder;
  input_blocks blocks;
  EXPECT_THROW(static_cast<void>(open_source(folder.path().string(), blocks, {})), input_error);
}

TEST(Repeat, GivesTheSameAgainInTheSameOrder) {
  scratch_folder const folder;
  input_blocks blocks;
  auto const source = repeat_source(open_source(folder.write("in", "1\n2\n3\n"), blocks, {}), 3);
  EXPECT_EQ(source->total(), 9U);
  EXPECT_THAT(all_of(*source), ElementsAre("1", "2", "3", "1", "2", "3", "1", "2", "3"));
  auto const nothing = repeat_source(open_source(folder.write("none", ""), blocks, {}), 3);
  EXPECT_THAT(all_of(*nothing), IsEmpty());
}

}  // namespace
}  // namespace mayfly::service
