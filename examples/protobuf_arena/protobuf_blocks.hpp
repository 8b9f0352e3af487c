#pragma once

#include <mayfly/arena.hpp>

#include <google/protobuf/arena.h>

#include <cstddef>
#include <utility>

namespace mayfly::example {

/// Feeds a google::protobuf::Arena with memory of a mayfly::arena, on one thread.
///
/// protobuf asks for blocks through plain functions that carry no context, so the arena they serve is a thread-local
/// variable, set for as long as one of these lives (a server would take its current scope's arena instead). Guards may
/// nest. The protobuf arena must be used and destroyed on this thread, within the guard's life: its destructors run
/// then, and its blocks go back with the mayfly arena.
class protobuf_blocks {
 public:
  explicit protobuf_blocks(arena& memory) noexcept : before_{std::exchange(current(), &memory)} {}
  ~protobuf_blocks() { current() = before_; }
  protobuf_blocks(protobuf_blocks const&) = delete;
  protobuf_blocks& operator=(protobuf_blocks const&) = delete;

  /// Options for a protobuf arena. Its first block is part of the page that the mayfly arena already has; the later
  /// ones stay below the size from which on mayfly would give each a block of its own.
  [[nodiscard]] google::protobuf::ArenaOptions options() const {
    google::protobuf::ArenaOptions options;
    options.initial_block_size = first_block_bytes;
    options.initial_block = static_cast<char*>(current()->allocate(first_block_bytes, 16));
    options.start_block_size = first_block_bytes;
    options.max_block_size = largest_block_bytes;
    options.block_alloc = &allocate;
    options.block_dealloc = &deallocate;
    return options;
  }

 private:
  static constexpr std::size_t first_block_bytes = 4096;
  static constexpr std::size_t largest_block_bytes = std::size_t{60} << 10U;

  static arena*& current() noexcept {
    thread_local arena* memory = nullptr;
    return memory;
  }

  // Where memory is refused, the allocation_error passes through protobuf's code: nothing of ours is lost by it.
  static void* allocate(std::size_t bytes) { return current()->allocate(bytes, 16); }
  static void deallocate(void* block, std::size_t bytes) { current()->deallocate(block, bytes, 16); }

  arena* before_;
};

}  // namespace mayfly::example
