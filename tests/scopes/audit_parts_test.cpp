#include "heap_walk.hpp"
#include "loaded_objects.hpp"
#include "memory_map.hpp"
#include "safe_memory.hpp"
#include "symbols.hpp"
#include "thread_locals.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

std::array<std::uint64_t, 4> named_global{1, 2, 3, 4};
thread_local std::uint64_t named_thread_local = 77;

namespace mayfly::detail {
namespace {

std::uintptr_t address_of(void const* object) { return reinterpret_cast<std::uintptr_t>(object); }

/// Pages of our own, some of which go.
class some_pages {
 public:
  explicit some_pages(std::size_t count)
      : bytes_{count * system_page_bytes()},
        start_{::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {}
  ~some_pages() { ::munmap(start_, bytes_); }
  some_pages(some_pages const&) = delete;
  some_pages& operator=(some_pages const&) = delete;

  [[nodiscard]] std::uint64_t* page(std::size_t index) const {
    return static_cast<std::uint64_t*>(start_) + index * system_page_bytes() / sizeof(std::uint64_t);
  }
  void unmap(std::size_t index) { ::munmap(page(index), system_page_bytes()); }
  [[nodiscard]] memory_range range() const { return {address_of(start_), bytes_}; }

 private:
  std::size_t bytes_;
  void* start_;
};

/// An object in a pool, and a search for words that point to it.
struct search_for_an_arena {
  static constexpr std::uint64_t owner = 17;

  page_pool pool{{.reserve_bytes = std::size_t{1} << 26U}};
  arena memory{pool, {.owner_tag = owner}};
  std::uint64_t object = address_of(memory.make<int>(1));
  std::unique_ptr<memory_search::workplace> work = std::make_unique<memory_search::workplace>();
  memory_search search{*work, pool, owner, std::size_t{1} << 30U};
};

TEST(SafeMemory, WhatIsNotThereIsNotRead) {
  some_pages pages{3};
  pages.page(0)[0] = 5;
  pages.unmap(1);
  std::uint64_t word = 0;
  EXPECT_TRUE(read_value(address_of(pages.page(0)), word));
  EXPECT_EQ(word, 5U);
  EXPECT_FALSE(read_value(address_of(pages.page(1)), word));
  EXPECT_EQ(read_word(0), 0U);
  std::vector<std::byte> two_pages(2 * system_page_bytes());
  EXPECT_EQ(read_memory(address_of(pages.page(0)), two_pages.data(), two_pages.size()), system_page_bytes());
}

TEST(SafeMemory, ASearchGoesOnBehindAHole) {
  search_for_an_arena in;
  some_pages pages{4};
  pages.page(0)[3] = in.object;
  pages.page(2)[0] = in.object + 4;
  pages.page(3)[511] = in.object + 1;
  pages.page(3)[510] = in.object + (std::size_t{1} << 20U);  // the pool's, but not the arena's
  pages.unmap(1);
  auto const found = in.search.search(pages.range());
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].at, address_of(pages.page(0) + 3));
  EXPECT_EQ(found[1].value, in.object + 4);
  EXPECT_EQ(found[2].at, address_of(pages.page(3) + 511));
}

TEST(SafeMemory, ThePartsOfARangeThatAreCutOffAreNotSearched) {
  search_for_an_arena in;
  std::array<std::uint64_t, 6> words{};
  words.fill(in.object);
  EXPECT_EQ(in.search.search({address_of(words.data() + 1), 4 * sizeof(std::uint64_t)}).size(), 4U);
  EXPECT_EQ(in.search.search({address_of(words.data()) + 1, 2 * sizeof(std::uint64_t)}).size(), 1U);
  EXPECT_EQ(in.search.search({address_of(words.data()), 0}).size(), 0U);
}

TEST(SafeMemory, MemoryThatWasNeverTouchedIsNotSearched) {
  search_for_an_arena in;
  some_pages pages{64};
  pages.page(10)[0] = in.object;
  EXPECT_EQ(in.search.search(pages.range()).size(), 1U);
  EXPECT_EQ(in.search.searched_bytes(), system_page_bytes());
}

TEST(MemoryMap, PrivateMemoryWithoutAFileIsUnderstood) {
  mapping_entry entry;
  ASSERT_TRUE(parse_mapping("7f12a000-7f12c000 rw-p 00000000 00:00 0 ", entry));
  EXPECT_EQ(entry.range.first, 0x7f12a000U);
  EXPECT_EQ(entry.range.bytes, 0x2000U);
  EXPECT_TRUE(entry.writable);
  EXPECT_FALSE(entry.is_break);
  ASSERT_TRUE(parse_mapping("55d0b000-55d0c000 rw-p 00000000 00:00 0                          [heap]", entry));
  EXPECT_TRUE(entry.is_break);
  ASSERT_TRUE(parse_mapping("7ffd0000-7ffd1000 rw-p 00000000 00:00 0                          [stack]", entry));
  EXPECT_TRUE(entry.is_stack);
  ASSERT_TRUE(parse_mapping("7f12a000-7f12c000 ---p 00000000 00:00 0 ", entry));
  EXPECT_FALSE(entry.writable);
}

TEST(MemoryMap, FilesSharedMemoryAndNonsenseAreNot) {
  mapping_entry entry;
  EXPECT_FALSE(parse_mapping("7f12a000-7f12c000 rw-p 00003000 fe:01 8412   /usr/lib/libc.so.6", entry));
  EXPECT_FALSE(parse_mapping("7f12a000-7f12c000 rw-s 00000000 00:01 2050   /dev/zero (deleted)", entry));
  EXPECT_FALSE(parse_mapping("7f12c000-7f12a000 rw-p 00000000 00:00 0", entry));
  EXPECT_FALSE(parse_mapping("", entry));
  EXPECT_FALSE(parse_mapping("-", entry));
  EXPECT_FALSE(parse_mapping("7f12a000-7f12c000 rw", entry));
}

TEST(MemoryMap, ThisProcessHasAStackAndTheMemoryThatItMaps) {
  some_pages const pages{2};
  memory_map_reader map;
  mapping_entry entry;
  bool stack = false;
  bool ours = false;
  while (map.next(entry)) {
    stack = stack || entry.is_stack;
    ours = ours || (entry.range.has(pages.range().first) && entry.writable);
  }
  EXPECT_TRUE(stack);
  EXPECT_TRUE(ours);
}

class NamesOfVariables : public ::testing::Test {
 protected:
  std::vector<loaded_object> objects_{std::vector<loaded_object>(64)};
  std::size_t count_ = list_loaded_objects(objects_);
};

TEST_F(NamesOfVariables, TheProgramComesFirstAndHasItsGlobals) {
  ASSERT_GT(count_, 1U);
  loaded_object const& program = objects_[0];
  EXPECT_EQ(program.path(), "");
  std::array<char, 64> name{};
  EXPECT_EQ(std::string(name.data(), write_object_name(program, name)), "audit_parts_test");
  variable_name found;
  std::uint64_t const value = address_of(&named_global[2]) - program.base;
  ASSERT_TRUE(find_variable(program, value, variable_kind::global, found));
  EXPECT_EQ(found.name(), "named_global");
  EXPECT_EQ(found.value, value - 16);
  EXPECT_EQ(found.bytes, 32U);
}

TEST_F(NamesOfVariables, OnePastTheEndIsAnothersName) {
  loaded_object const& program = objects_[0];
  variable_name found;
  std::uint64_t const value = address_of(named_global.data() + named_global.size()) - program.base;
  bool const other = !find_variable(program, value, variable_kind::global, found) || found.name() != "named_global";
  EXPECT_TRUE(other);
}

TEST_F(NamesOfVariables, AFileThatIsNotTheOneThatWasLoadedNamesNothing) {
  loaded_object program = objects_[0];
  program.headers_digest ^= 1U;
  variable_name found;
  EXPECT_FALSE(find_variable(program, address_of(named_global.data()) - program.base, variable_kind::global, found));
  std::string_view{"/nonexistent"}.copy(program.path_text.data(), program.path_text.size() - 1);
  EXPECT_FALSE(find_variable(program, address_of(named_global.data()) - program.base, variable_kind::global, found));
}

TEST_F(NamesOfVariables, AFileThatIsNoObjectFileNamesNothing) {
  loaded_object object = objects_[0];
  std::string_view{"/proc/self/maps"}.copy(object.path_text.data(), object.path_text.size() - 1);
  variable_name found;
  EXPECT_FALSE(find_variable(object, 16, variable_kind::global, found));
}

TEST_F(NamesOfVariables, MoreObjectsThanFitAreCounted) {
  std::array<loaded_object, 1> one;
  EXPECT_EQ(list_loaded_objects(one), count_);
  EXPECT_EQ(one[0].base, objects_[0].base);
}

TEST(RunningThreads, EachThreadsThreadLocalsAreFoundAndThisOneIsFirst) {
  std::latch started{1};
  std::latch done{1};
  std::int32_t id = 0;
  std::uintptr_t address = 0;
  std::thread other{[&] {
    id = static_cast<std::int32_t>(::gettid());
    named_thread_local = 78;
    address = address_of(&named_thread_local);
    started.count_down();
    done.wait();
  }};
  started.wait();
  std::vector<loaded_object> objects(64);
  static_cast<void>(list_loaded_objects(objects));
  std::array<running_thread, 8> threads{};
  thread_list const list = list_threads(threads);
  EXPECT_TRUE(list.complete);
  ASSERT_EQ(threads[0].id, static_cast<std::int32_t>(::gettid()));
  EXPECT_TRUE(thread_locals_of(threads[0], objects[0]).has(address_of(&named_thread_local)));
  bool found = false;
  for (std::size_t i = 1; i < list.count; ++i) {
    if (threads[i].id != id) continue;
    found = thread_locals_of(threads[i], objects[0]).has(address);
  }
  EXPECT_TRUE(found);
  std::array<running_thread, 1> too_few{};
  EXPECT_EQ(list_threads(too_few).count, 1U);
  EXPECT_FALSE(list_threads(too_few).complete);
  done.count_down();
  other.join();
}

TEST(RunningThreads, AnObjectWithoutThreadLocalsHasNone) {
  std::array<running_thread, 1 + test::thread_sanitized> threads{};  // ThreadSanitizer has one of its own
  thread_list const list = list_threads(threads);
  ASSERT_LE(list.count, threads.size());
  EXPECT_TRUE(list.complete);
  EXPECT_EQ(thread_locals_of(threads[0], loaded_object{}).bytes, 0U);
  EXPECT_EQ(list_threads({}).count, 0U);
  EXPECT_FALSE(list_threads({}).complete);
}

}  // namespace
}  // namespace mayfly::detail
