#include "player.hpp"

#include <mayfly/page_pool.hpp>

#include <utility>

namespace mayfly::trace {
namespace {

/// A byte in each cache line: as much as makes the memory ours, and little more.
void touch(void* memory, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;
  auto* const first = static_cast<std::byte volatile*>(memory);
  for (std::size_t i = 0; i < bytes; i += line) first[i] = std::byte{1};
}

}  // namespace

void player::begin(arena_life const& life, std::size_t first_class) {
  arena_.set_first_class(first_class);
  marks_.assign(1, arena_.mark());
  operation_reader operations{life.operations};
  for (operation next{}; operations.next(next);) {
    if (next.kind == operation_kind::allocate) [[likely]] {
      allocate(next.bytes, next.alignment);
    } else {
      do_unusual(next);
    }
  }
}

void* player::allocate(std::size_t bytes, std::size_t alignment) {
  void* const memory = arena_.try_allocate(bytes, alignment);
  if (memory == nullptr) [[unlikely]] {
    ++refused_;
  } else if (touches_) {
    touch(memory, bytes);
  }
  return memory;
}

void player::resize(void*& memory, std::size_t old_bytes, std::size_t new_bytes) {
  if (memory == nullptr || arena_.try_extend(memory, old_bytes, new_bytes)) return;
  // There was room where it was recorded; here the program would have taken new memory.
  memory = allocate(new_bytes, arena::least_alignment);
}

void player::give_back(block const& given) noexcept {
  if (given.memory != nullptr) arena_.deallocate(given.memory, given.bytes, given.alignment);
}

void player::do_unusual(operation const& what) {
  switch (what.kind) {
    case operation_kind::allocate:
      break;
    case operation_kind::allocate_block:
      blocks_.push_back({allocate(what.bytes, what.alignment), what.bytes, what.alignment, marks_.size()});
      break;
    case operation_kind::give_back:
      give_back({arena_.last_of(what.bytes), what.bytes, arena::least_alignment, 0});
      break;
    case operation_kind::resize: {
      void* last = arena_.last_of(what.bytes);
      resize(last, what.bytes, what.new_bytes);
      break;
    }
    case operation_kind::give_back_block: {
      auto const given = blocks_.end() - 1 - what.number;
      give_back(*given);
      blocks_.erase(given);
      break;
    }
    case operation_kind::resize_block: {
      block& resized = *(blocks_.end() - 1 - what.number);
      resize(resized.memory, resized.bytes, what.new_bytes);
      resized.bytes = what.new_bytes;
      break;
    }
    case operation_kind::mark:
      marks_.push_back(arena_.mark());
      break;
    case operation_kind::rewind:
      arena_.rewind(marks_[what.number]);
      while (!blocks_.empty() && blocks_.back().marks_before > what.number) blocks_.pop_back();
      break;
  }
}

void player::end(memory_figures& sums) {
  arena_usage const held = arena_.usage();
  ++sums.arenas;
  sums.refused += std::exchange(refused_, 0);
  sums.handed_out_bytes += held.handed_out_bytes;
  sums.tail_waste_bytes += held.tail_waste_bytes;
  sums.room_bytes += held.room_bytes;
  sums.skipped_bytes += held.skipped_bytes;
  sums.oversize_slack_bytes += held.oversize_slack_bytes;
  sums.reserved_bytes += held.reserved_bytes;
  for (std::size_t c = 0; c < held.pages.size(); ++c) sums.pages[c].taken += held.pages[c];
  arena_.reset();
  blocks_.clear();
  marks_.clear();
}

player& cast::begin(std::uint32_t life) {
  std::unique_ptr<player> free;
  if (idle_.empty()) {
    free = std::make_unique<player>(pages_, touches_);
  } else {
    free = std::move(idle_.back());
    idle_.pop_back();
  }
  return *(playing_[life] = std::move(free));
}

}  // namespace mayfly::trace
