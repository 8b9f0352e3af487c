#include "format.hpp"
#include "support.hpp"
#include <mayfly/trace/trace.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace mayfly::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using kind = operation_kind;

std::vector<operation> const everything{
    {.kind = kind::mark},
    {.bytes = 0},
    {.bytes = 127},
    {.bytes = 300'000'000'000},
    {.bytes = 5, .alignment = 4096},
    {.kind = kind::allocate_block, .bytes = 70'000, .alignment = 64},
    {.kind = kind::allocate_block, .bytes = 80'000},
    {.kind = kind::resize_block, .number = 1, .bytes = 70'000, .new_bytes = 70'100},
    {.kind = kind::give_back_block, .number = 0, .bytes = 80'000},
    {.kind = kind::resize, .bytes = 5, .new_bytes = 9},
    {.kind = kind::give_back, .bytes = 9},
    {.kind = kind::rewind, .number = 1},
};

std::vector<std::byte> a_trace() {
  trace_builder builder{test::some_settings()};
  builder.add_request("first", {.opened_ns = 10, .closed_ns = 20}, everything);
  auto const id = builder.add_request("second", {.opened_ns = 15, .closed_ns = 40, .opened_by = 1, .closed_by = 0}, {});
  builder.add_arena(id, {.opened_ns = 16, .closed_ns = 39, .opened_by = 2, .closed_by = 1, .first_class = 2},
                    everything);
  builder.add_request("first", {.opened_ns = 5, .closed_ns = 6}, {});
  return builder.finish();
}

std::vector<operation> operations_of(arena_life const& life) {
  std::vector<operation> all;
  operation_reader reader{life.operations};
  for (operation next{}; reader.next(next); next = {}) all.push_back(next);
  return all;
}

std::string complaint(std::vector<std::byte> content) {
  try {
    static_cast<void>(trace::from_bytes(std::move(content), "x.mft"));
  } catch (trace_error const& error) {
    return error.what();
  }
  return "";
}

bool same(operation const& a, operation const& b) {
  return a.kind == b.kind && a.number == b.number && a.bytes == b.bytes && a.alignment == b.alignment &&
         a.new_bytes == b.new_bytes;
}

TEST(TraceFile, ComesBackAsItWasWritten) {
  trace const read = trace::from_bytes(a_trace(), "x");
  EXPECT_THAT(read.routes(), ElementsAre("first", "second"));
  ASSERT_EQ(read.requests().size(), 3U);
  EXPECT_EQ(read.requests()[0].opened_ns, 5U) << "in the order of their beginnings";
  EXPECT_EQ(read.requests()[1].closed_ns, 20U);
  EXPECT_EQ(read.routes()[read.requests()[2].route], "second");
  ASSERT_EQ(read.arenas().size(), 2U);
  arena_life const& second = read.arenas()[1];
  EXPECT_EQ(second.request, read.requests()[2].id);
  EXPECT_EQ(second.opened_by, 2U);
  EXPECT_EQ(second.closed_by, 1U);
  EXPECT_EQ(second.first_class, 2U);
  EXPECT_EQ(second.allocations, 6U);
  EXPECT_TRUE(std::ranges::equal(operations_of(second), everything, same));
  EXPECT_EQ(read.threads(), 3U);
  EXPECT_EQ(read.settings().workers, 2U);
  EXPECT_EQ(read.settings().pages.class_bytes, page_pool_options{}.class_bytes);
  EXPECT_EQ(read.settings().pages.max_bytes, page_pool_options::unlimited);
  EXPECT_FALSE(read.settings().first_class);
}

TEST(TraceFile, EverySettingComesBackAndOlderFilesHaveTheDefaultsOfNewerOnes) {
  recorded_settings written{.program = "p",
                            .workers = 7,
                            .pages = {.max_bytes = std::size_t{1} << 30U,
                                      .class_bytes = {8'192, 32'768, 131'072},
                                      .growth_percent = 250,
                                      .largest_in_page_bytes = 40'960,
                                      .magazine_pages = {3, 2, 1},
                                      .idle_cap_bytes = 5,
                                      .idle_floor_bytes = 6,
                                      .idle_epochs = 7,
                                      .block_cache_bytes = 8,
                                      .return_by = memory_return::free,
                                      .huge_pages = huge_page_use::advise},
                            .first_class = 1,
                            .epoch = std::chrono::milliseconds{250}};
  std::string const text = settings_as_json(written);
  EXPECT_EQ(settings_as_json(settings_from_json(text)), text);
  EXPECT_EQ(settings_from_json(text).pages.growth_percent, 250U);
  EXPECT_EQ(settings_from_json(text).pages.largest_in_page_bytes, 40'960U);
  std::string older = text;
  for (std::string const key :
       {",\"growth_percent\":250", ",\"largest_in_page_bytes\":40960", ",\"return_by\":1", ",\"huge_pages\":2"}) {
    ASSERT_NE(older.find(key), std::string::npos) << key;
    older.erase(older.find(key), key.size());
  }
  EXPECT_EQ(settings_from_json(older).pages.growth_percent, 100U);
  EXPECT_EQ(settings_from_json(older).pages.largest_in_page_bytes, 0U);
  EXPECT_EQ(settings_from_json(older).pages.return_by, memory_return::dontneed);
  EXPECT_EQ(settings_from_json(older).pages.huge_pages, huge_page_use::system);
  EXPECT_EQ(settings_from_json(older).pages.idle_epochs, 7U);
  std::string unknown = text;
  unknown.replace(unknown.find("\"huge_pages\":2"), 14, "\"huge_pages\":4");
  EXPECT_THROW(static_cast<void>(settings_from_json(unknown)), std::runtime_error);
}

TEST(TraceFile, ALifeOfManyPartsComesBackWhole) {
  std::mt19937_64 random{7};
  std::vector<operation> const many = test::some_operations(random, 100'000);
  trace_builder builder{test::some_settings()};
  builder.add_request("large", {.opened_by = 1, .closed_by = 3}, many);
  trace const read = trace::from_bytes(builder.finish(), "x");
  ASSERT_EQ(read.arenas().size(), 1U);
  EXPECT_TRUE(std::ranges::equal(operations_of(read.arenas()[0]), many, same));
}

TEST(TraceFile, CutOffAnywhereSaysSo) {
  std::vector<std::byte> const whole = a_trace();
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    std::string const said = complaint({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)});
    EXPECT_THAT(said, HasSubstr("x.mft: "));
    EXPECT_THAT(said, HasSubstr("at offset ")) << bytes;
    EXPECT_THAT(said, HasSubstr(bytes < 8 ? "no trace of mayfly" : "")) << bytes;
  }
  EXPECT_THAT(complaint({whole.begin(), whole.end() - 1}), HasSubstr("ends in the middle of a block"));
}

TEST(TraceFile, AnyBitThatFlipsIsSeen) {
  std::vector<std::byte> const whole = a_trace();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> flipped = whole;
      flipped[i] ^= std::byte{1} << bit;
      EXPECT_THAT(complaint(std::move(flipped)), HasSubstr("at offset ")) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(TraceFile, OfLaterVersionsAndOtherKindsAreTold) {
  std::vector<std::byte> later = a_trace();
  later[8] = std::byte{2};
  EXPECT_THAT(complaint(later), HasSubstr("a trace of version 2, and this program reads up to 1"));
  std::string const text = "{\"not\": \"a trace\"}";
  auto const bytes = std::as_bytes(std::span{text});
  EXPECT_THAT(complaint({bytes.begin(), bytes.end()}), HasSubstr("is no trace of mayfly"));
  std::vector<std::byte> longer = a_trace();
  longer.push_back(std::byte{0});
  EXPECT_THAT(complaint(longer), HasSubstr("something follows the trace's end"));
  EXPECT_THROW(static_cast<void>(trace::read("/there/is/no.mft")), trace_error);
}

/// Whatever operations say, nobody who plays them may be led astray: what is wrong is refused here.
TEST(TraceFile, OperationsThatNoArenaDoesAreRefused) {
  auto const said_of = [](std::vector<operation> const& operations) {
    trace_builder builder{test::some_settings()};
    builder.add_request("x", {}, operations);
    return complaint(builder.finish());
  };
  EXPECT_THAT(said_of({{.bytes = operation_size_limit}}), HasSubstr("a size that no allocation has"));
  EXPECT_THAT(said_of({{.bytes = 1, .alignment = std::size_t{1} << 22U}}), HasSubstr("an alignment"));
  EXPECT_THAT(said_of({{.kind = kind::give_back_block}}), HasSubstr("a block that its arena does not have"));
  EXPECT_THAT(said_of({{.kind = kind::allocate_block, .bytes = 1}, {.kind = kind::resize_block, .number = 1}}),
              HasSubstr("a block that its arena does not have"));
  EXPECT_THAT(said_of({{.kind = kind::rewind, .number = 1}}), HasSubstr("a mark that is not valid"));
  EXPECT_THAT(said_of({{.kind = kind::mark},
                       {.kind = kind::mark},
                       {.kind = kind::rewind, .number = 1},
                       {.kind = kind::rewind, .number = 2}}),
              HasSubstr("a mark that is not valid"));
  EXPECT_THAT(said_of({{.kind = kind::mark},
                       {.kind = kind::allocate_block, .bytes = 1},
                       {.kind = kind::rewind, .number = 1},
                       {.kind = kind::give_back_block}}),
              HasSubstr("a block that its arena does not have"));
  EXPECT_THAT(said_of({{.kind = static_cast<kind>(8)}}), HasSubstr("an operation that there is not"));
  EXPECT_EQ(said_of({{.kind = kind::rewind, .number = 0}}), "");
}

TEST(TraceFile, IsReadFromDisk) {
  test::temporary_file const file{"disk"};
  std::vector<std::byte> const content = a_trace();
  std::ofstream{file.path(), std::ios::binary}.write(reinterpret_cast<char const*>(content.data()),
                                                     static_cast<std::streamsize>(content.size()));
  EXPECT_EQ(trace::read(file.path()).requests().size(), 3U);
}

}  // namespace
}  // namespace mayfly::trace
