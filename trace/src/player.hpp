#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/trace/replay.hpp>
#include <mayfly/trace/trace.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace mayfly::trace {

/// Does what a life's operations say on an arena of its own.
class player {
 public:
  /// touches: whether memory that is handed out is written to.
  player(page_pool& pages, bool touches) : arena_{pages}, touches_{touches} {}

  void begin(arena_life const& life, std::size_t first_class);
  /// Adds what the arena holds to the sums and lets go of it.
  void end(memory_figures& sums);

  [[nodiscard]] arena const& memory() const noexcept { return arena_; }

  std::chrono::nanoseconds worked{};  ///< for whoever measures

 private:
  void do_unusual(operation const& what);
  void* allocate(std::size_t bytes, std::size_t alignment);
  void resize(void*& memory, std::size_t old_bytes, std::size_t new_bytes);

  /// An allocation that had a block of its own when it was recorded. Its size is known here: what is given back or
  /// resized later is what was taken, whatever the trace says.
  struct block {
    void* memory;
    std::size_t bytes;
    std::size_t alignment;
    std::size_t marks_before;
  };
  void give_back(block const& given) noexcept;

  arena arena_;
  bool touches_;
  std::vector<block> blocks_;         // the newest last
  std::vector<arena::marker> marks_;  // by number; 0: the beginning
  std::uint64_t refused_ = 0;
};

/// The players of all arenas that are open, by life.
class cast {
 public:
  cast(page_pool& pages, bool touches, std::size_t lives) : pages_{pages}, touches_{touches}, playing_(lives) {}

  player& begin(std::uint32_t life);
  player& of(std::uint32_t life) noexcept { return *playing_[life]; }
  void end(std::uint32_t life) { idle_.push_back(std::move(playing_[life])); }

 private:
  page_pool& pages_;
  bool touches_;
  std::vector<std::unique_ptr<player>> playing_;
  std::vector<std::unique_ptr<player>> idle_;
};

}  // namespace mayfly::trace
