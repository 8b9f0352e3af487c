#pragma once

#include <mayfly/allocation_recorder.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mayfly::trace {
class recorder;
}

namespace mayfly::preload {

/// A request of a program that has malloc: told what is allocated and freed, it tells the recorder what an arena would
/// have been told in its place. That is: what was allocated last goes back early, as does what is too large for a page;
/// anything else that is freed stays until the request ends. One thread at a time.
class heap_request {
 public:
  /// `route` must outlive the recorder.
  heap_request(trace::recorder& recorder, std::uint64_t id, std::string_view route);
  ~heap_request();
  heap_request(heap_request const&) = delete;
  heap_request& operator=(heap_request const&) = delete;

  void allocated(void* memory, std::size_t bytes, std::size_t alignment) noexcept;
  /// Before it is freed. `room`: what malloc_usable_size() says of it.
  void freed(void const* memory, std::size_t room) noexcept;
  /// `old_room` as in freed(), of what was there before.
  void reallocated(void const* old_memory, std::size_t old_room, void* memory, std::size_t bytes) noexcept;

 private:
  struct allocation {
    void const* memory = nullptr;  // null: freed, and no longer anybody's
    std::size_t bytes = 0;
    std::size_t alignment = 0;
  };
  /// How many of the last allocations are known, so that they can go back in reverse order. Each free looks for its own
  /// among them.
  static constexpr std::size_t most_last = 16;

  static bool gets_block(std::size_t bytes, std::size_t alignment) noexcept;
  bool begin() noexcept;
  void push_last(allocation const& made) noexcept;
  [[nodiscard]] allocation* last_at(void const* memory) noexcept;
  void forget_in_page(void const* memory) noexcept;
  void free_in_page(void const* memory) noexcept;
  void free_block(std::vector<allocation>::iterator block) noexcept;
  bool resize_last(void const* old_memory, void* memory, std::size_t bytes) noexcept;
  bool resize_block(void const* old_memory, void* memory, std::size_t bytes) noexcept;
  std::vector<allocation>::iterator block_at(void const* memory) noexcept;
  std::uint32_t number_of(std::vector<allocation>::const_iterator block) const noexcept;

  trace::recorder& recorder_;
  std::uint64_t id_;
  std::string_view route_;
  allocation_log* log_ = nullptr;
  bool begun_ = false;
  std::array<allocation, most_last> last_{};  // a ring; last_count_ of them, up to last_end_
  std::size_t last_end_ = 0;
  std::size_t last_count_ = 0;
  std::vector<allocation> blocks_;  // the newest last
};

}  // namespace mayfly::preload
