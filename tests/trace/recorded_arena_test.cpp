// An arena that is recorded takes the same memory as one that is not, and what is recorded of it makes a third take it
// again.

#include "player.hpp"
#include "support.hpp"
#include <mayfly/allocation_recorder.hpp>
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>
#include <span>
#include <utility>

namespace mayfly::trace {
namespace {

/// Records into memory, one arena at a time. Arenas have `room` bytes for what they note down without a call.
class memory_recorder final : public allocation_recorder, public allocation_log {
 public:
  explicit memory_recorder(std::size_t room = 40) : notes_(room + guard_bytes, guard) { start_notes(); }

  allocation_log* begin(std::uint64_t owner_tag, std::size_t /*first_class*/) noexcept override {
    tag = owner_tag;
    ++lives;
    read_.clear();
    called_ = 0;
    marks_ = 0;
    start_notes();
    allocations_ = 0;
    return declines ? nullptr : this;
  }
  void allocated(std::size_t bytes, std::size_t alignment, bool block) noexcept override {
    add({.kind = block ? operation_kind::allocate_block : operation_kind::allocate,
         .bytes = bytes,
         .alignment = std::max<std::size_t>(alignment, 8)});
    ++allocations_;
  }
  void gave_back(std::size_t bytes) noexcept override { add({.kind = operation_kind::give_back, .bytes = bytes}); }
  void resized(std::size_t old_bytes, std::size_t new_bytes) noexcept override {
    add({.kind = operation_kind::resize, .bytes = old_bytes, .new_bytes = new_bytes});
  }
  void gave_back_block(std::uint32_t number, std::size_t bytes, std::size_t alignment) noexcept override {
    add({.kind = operation_kind::give_back_block, .number = number, .bytes = bytes, .alignment = alignment});
  }
  void resized_block(std::uint32_t number, std::size_t old_bytes, std::size_t new_bytes) noexcept override {
    add({.kind = operation_kind::resize_block, .number = number, .bytes = old_bytes, .new_bytes = new_bytes});
  }
  std::uint32_t marked() noexcept override {
    add({.kind = operation_kind::mark});
    return ++marks_;
  }
  void rewound(std::uint32_t number) noexcept override { add({.kind = operation_kind::rewind, .number = number}); }
  void ended() noexcept override { ++ends; }

  /// What it was told, in order.
  [[nodiscard]] std::vector<operation> operations() {
    read_notes();
    return read_;
  }
  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }

  std::uint64_t tag = 0;
  int lives = 0;
  int ends = 0;
  std::size_t noted = 0;  ///< operations that nobody called us for
  bool declines = false;

 private:
  static constexpr std::size_t guard_bytes = 32;
  static constexpr std::byte guard{0xa5};

  void start_notes() {
    at_ = notes_.data();
    end_ = notes_.data() + notes_.size() - guard_bytes;
  }
  void read_notes() {
    EXPECT_LE(at_, end_);
    EXPECT_EQ(std::count(end_, end_ + guard_bytes, guard), guard_bytes) << "somebody wrote beyond the notes' room";
    operation_reader notes{{notes_.data(), at_}};
    for (operation each; notes.next(each);) read_.push_back(each);
    noted = read_.size() - called_;
    start_notes();
  }
  /// Into the same room, as long as there is any.
  void add(operation const& what) {
    ++called_;
    std::array<std::byte, longest_operation> written;
    auto const bytes =
        std::span{written}.first(static_cast<std::size_t>(write_operation(written.data(), what) - written.data()));
    if (static_cast<std::size_t>(end_ - at_) < bytes.size()) read_notes();
    if (static_cast<std::size_t>(end_ - at_) < bytes.size()) return read_.push_back(what);
    at_ = std::ranges::copy(bytes, at_).out;
  }

  std::vector<std::byte> notes_;
  std::vector<operation> read_;
  std::size_t called_ = 0;
  std::uint32_t marks_ = 0;
};

/// Where more than a pointer is moved for an allocation, each is told by a call.
constexpr bool all_by_calls = detail::redzone_bytes != 0 || detail::canaries;

struct same_usage {
  explicit same_usage(arena const& of) : usage{of.usage()}, bumped{of.bumped_bytes()}, room{of.room_bytes()} {}
  arena_usage usage;
  std::size_t bumped;
  std::size_t room;
  friend std::ostream& operator<<(std::ostream& to, same_usage const& of) {
    return to << of.usage.handed_out_bytes << " handed out of " << of.usage.reserved_bytes << ", "
              << of.usage.tail_waste_bytes << " tail, " << of.usage.room_bytes << " room, " << of.usage.skipped_bytes
              << " skipped, " << of.usage.oversize_bytes << " in " << of.usage.oversize_blocks << " blocks, bumped "
              << of.bumped;
  }
  friend bool operator==(same_usage const& a, same_usage const& b) {
    return a.usage.handed_out_bytes == b.usage.handed_out_bytes && a.usage.reserved_bytes == b.usage.reserved_bytes &&
           a.usage.tail_waste_bytes == b.usage.tail_waste_bytes && a.usage.room_bytes == b.usage.room_bytes &&
           a.usage.skipped_bytes == b.usage.skipped_bytes && a.usage.oversize_bytes == b.usage.oversize_bytes &&
           a.usage.oversize_blocks == b.usage.oversize_blocks &&
           a.usage.oversize_slack_bytes == b.usage.oversize_slack_bytes && a.usage.pages == b.usage.pages &&
           a.bumped == b.bumped && a.room == b.room;
  }
};

struct taken {
  void* memory;
  std::size_t bytes;
  std::size_t alignment;
};

struct noisy {
  explicit noisy(arena& in) : in_{in} {}
  ~noisy() { static_cast<void>(in_.allocate(24)); }  // destructors may allocate, too
  arena& in_;
};

/// Does the same to several arenas, at random.
class many_arenas {
 public:
  many_arenas(std::mt19937_64& random, std::vector<arena*> const& arenas)
      : random_{random}, arenas_{arenas}, taken_(arenas.size()), marks_(arenas.size()) {}

  void do_something() {
    std::uint64_t const what = random_() % 100;
    if (what < 70) return allocate(what < 2 ? 60'000 + random_() % 400'000 : random_() % (what < 10 ? 9'000 : 120));
    if (what < 78) return deallocate(random_() % 2 == 0 ? 0 : random_() % 4);
    if (what < 88) return extend(random_() % 2 == 0 ? 0 : random_() % 4, random_() % 300);
    if (what < 91) return make();
    if (what < 96) return mark();
    rewind();
  }

 private:
  void allocate(std::size_t bytes) {
    std::size_t const alignment = random_() % 8 == 0 ? std::size_t{1} << (random_() % 14) : 8;
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
      taken_[i].push_back({arenas_[i]->allocate(bytes, alignment), bytes, alignment});
    }
  }
  void deallocate(std::size_t ago) {
    if (taken_[0].size() <= ago) return;
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
      auto const each = taken_[i].end() - 1 - static_cast<std::ptrdiff_t>(ago);
      arenas_[i]->deallocate(each->memory, each->bytes, each->alignment);
      taken_[i].erase(each);
    }
  }
  void extend(std::size_t ago, std::size_t more) {
    if (taken_[0].size() <= ago) return;
    std::vector<bool> done;
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
      taken& each = taken_[i][taken_[i].size() - 1 - ago];
      done.push_back(arenas_[i]->try_extend(each.memory, each.bytes, each.bytes + more));
      if (done.back()) each.bytes += more;
    }
    EXPECT_TRUE(std::ranges::all_of(done, [&](bool one) { return one == done.front(); }));
  }
  void make() {
    for (arena* each : arenas_) each->make<noisy>(*each);
  }
  void mark() {
    for (std::size_t i = 0; i < arenas_.size(); ++i) marks_[i].push_back(arenas_[i]->mark());
  }
  void rewind() {
    if (marks_[0].empty()) return;
    std::size_t const keep = random_() % marks_[0].size();
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
      arenas_[i]->rewind(marks_[i][keep]);
      taken_[i].clear();  // those before the mark live on, and are left alone
      marks_[i].resize(keep + 1, marks_[i][keep]);
    }
  }

  std::mt19937_64& random_;
  std::vector<arena*> arenas_;
  std::vector<std::vector<taken>> taken_;
  std::vector<std::vector<arena::marker>> marks_;
};

/// The trace of one life, as it would be read.
trace trace_of(std::vector<operation> const& operations, page_pool_options const& pages) {
  trace_builder builder{{.program = "a test", .workers = 1, .pages = pages}};
  builder.add_request("r", {}, operations);
  return trace::from_bytes(builder.finish(), "x");
}

TEST(RecordedArena, TakesWhatAnyOtherTakesAndItsRecordDoesSoAgain) {
  int compared = 0;
  std::size_t noted = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random{seed};
    memory_recorder recorder{seed};  // bytes for notes, so many
    page_pool plain_pages;
    page_pool recorded_pages{{.recorder = &recorder}};
    arena plain{plain_pages};
    arena recorded{recorded_pages, {.owner_tag = 42}};
    many_arenas both{random, {&plain, &recorded}};
    for (int i = 0; i < 300; ++i) {
      both.do_something();
      ASSERT_EQ(same_usage{plain}, same_usage{recorded}) << "seed " << seed << " step " << i;
    }
    ASSERT_EQ(recorder.tag, 42U);
    auto const operations = recorder.operations();
    auto const allocates = [](operation const& each) {
      return each.kind == operation_kind::allocate || each.kind == operation_kind::allocate_block;
    };
    ASSERT_EQ(recorder.allocations(), std::ranges::count_if(operations, allocates)) << "seed " << seed;
    noted += recorder.noted;
    // One that was rewound to nothing goes on in another life, on whichever page is at hand then.
    if (recorder.lives != 1 || recorded.reserved_bytes() == 0) continue;
    ++compared;

    page_pool pages;
    player again{pages, false};
    trace const read = trace_of(operations, pages.options());
    ASSERT_EQ(read.arenas().size(), 1U);
    again.begin(read.arenas()[0], 0);
    ASSERT_EQ(same_usage{again.memory()}, same_usage{recorded}) << "seed " << seed;
    memory_figures ignored;
    again.end(ignored);
    plain.reset();
    recorded.reset();
    EXPECT_EQ(recorder.ends, recorder.lives);
  }
  EXPECT_GT(compared, 50);
  EXPECT_EQ(noted > 1'000, !all_by_calls) << noted;
}

/// Sizes around those that a note has room for, and alignments, in arenas that have been given little room for notes.
TEST(RecordedArena, WhatIsNotedWithoutACallIsWhatWasAskedFor) {
  for (std::size_t const room : {0U, 1U, 3U, 4U, 5U, 8U, 63U, 1'024U}) {
    memory_recorder recorder{room};
    page_pool pages{{.class_bytes = {65'536, 131'072, 262'144}, .recorder = &recorder}};
    arena memory{pages};
    std::vector<operation> asked;
    std::vector<std::byte*> taken;
    for (std::size_t const alignment : {1U, 8U, 16U, 64U, 4'096U}) {
      for (std::size_t const bytes :
           {0U, 1U, 7U, 8U, 63U, 64U, 127U, 128U, 8'183U, 8'184U, 8'185U, 8'191U, 8'192U, 9'000U}) {
        taken.push_back(static_cast<std::byte*>(memory.allocate(bytes, alignment)));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken.back()) % alignment, 0U);
        std::memset(taken.back(), static_cast<int>(asked.size()), bytes);
        asked.push_back({.bytes = bytes, .alignment = std::max<std::size_t>(alignment, 8)});
      }
    }
    auto const told = recorder.operations();
    ASSERT_EQ(told.size(), asked.size()) << room;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      EXPECT_EQ(told[i].kind, operation_kind::allocate) << room << ": " << i;
      EXPECT_EQ(told[i].bytes, asked[i].bytes) << room << ": " << i;
      EXPECT_EQ(told[i].alignment, asked[i].alignment) << room << ": " << i;
    }
    // None of it is another one's.
    for (std::size_t i = 0; i < asked.size(); ++i) {
      auto const filled = static_cast<std::byte>(i);
      EXPECT_EQ(std::count(taken[i], taken[i] + asked[i].bytes, filled), asked[i].bytes) << room << ": " << i;
    }
    std::ranges::sort(taken);
    EXPECT_EQ(std::ranges::adjacent_find(taken), taken.end()) << "an empty one, too, is distinct";
    if (all_by_calls || room < 4) {
      EXPECT_EQ(recorder.noted, 0U) << room;
    } else if (room > 8) {
      EXPECT_GT(recorder.noted, room < 1'024 ? 0 : asked.size() / 4) << room;
    }
  }
}

/// What is noted by a call takes room of what is noted without one.
TEST(RecordedArena, MarksTakeTheRoomOfOtherNotes) {
  constexpr std::size_t room = 64;
  memory_recorder recorder{room};
  page_pool pages{{.recorder = &recorder}};
  arena memory{pages};
  static_cast<void>(memory.allocate(8));
  for (std::size_t i = 0; i < room * 3 / 4; ++i) static_cast<void>(memory.mark());
  for (std::size_t i = 0; i < room; ++i) static_cast<void>(memory.allocate(8));
  EXPECT_EQ(recorder.operations().size(), 1 + room * 3 / 4 + room);
}

/// An arena that has given its last block back has nothing that its reset would give back.
TEST(RecordedArena, WhoGaveBackItsOnlyBlockHasAnotherLogForWhatComesNext) {
  memory_recorder recorder;
  page_pool pages{{.recorder = &recorder}};
  arena memory{pages, {.owner_tag = 1}};
  void* const block = memory.allocate(200'000);
  memory.deallocate(block, 200'000);
  EXPECT_EQ(recorder.ends, 1);
  memory.restart({.owner_tag = 2});
  static_cast<void>(memory.allocate(8));
  EXPECT_EQ(recorder.lives, 2);
  EXPECT_EQ(recorder.tag, 2U);
  EXPECT_EQ(recorder.operations().size(), 1U);
}

TEST(RecordedArena, IsLeftAloneWhereTheRecorderDeclines) {
  memory_recorder recorder;
  recorder.declines = true;
  page_pool pages{{.recorder = &recorder}};
  arena memory{pages};
  for (int i = 0; i < 1000; ++i) static_cast<void>(memory.allocate(100));
  EXPECT_EQ(recorder.lives, 1) << "it is not asked again before the arena's end";
  EXPECT_TRUE(recorder.operations().empty());
  memory.reset();
  EXPECT_EQ(recorder.ends, 0);
  recorder.declines = false;
  static_cast<void>(memory.allocate(100));
  EXPECT_EQ(recorder.operations().size(), 1U);
}

TEST(RecordedArena, WhoIsRefusedAtOnceKeepsNoLog) {
  memory_recorder recorder;
  byte_budget nothing{0};
  page_pool pool{{.reserve_bytes = 16 << 20, .recorder = &recorder}};
  arena refused{pool, {.budget = &nothing, .owner_tag = 7}};
  EXPECT_EQ(refused.try_allocate(8), nullptr);
  EXPECT_EQ(refused.try_allocate(8), nullptr);
  EXPECT_EQ(recorder.lives, 2);
  EXPECT_EQ(recorder.ends, 2) << "who comes next in its place would write on in it";
}

TEST(RecordedArena, ItsLogGoesWithItWhenItMoves) {
  memory_recorder recorder;
  page_pool pages{{.recorder = &recorder}};
  arena first{pages};
  static_cast<void>(first.allocate(100));
  {
    arena second{std::move(first)};
    static_cast<void>(second.allocate(50));
    EXPECT_EQ(recorder.operations().size(), 2U);
    EXPECT_EQ(recorder.ends, 0);
  }
  EXPECT_EQ(recorder.ends, 1);
}

}  // namespace
}  // namespace mayfly::trace
