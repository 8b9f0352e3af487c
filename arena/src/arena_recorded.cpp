// What arenas of a pool with a recorder do besides. Such an arena shows its inline path no room at all (end_ is next_
// whenever nobody is inside), so that every allocation comes to allocate_slow(), which notes nearly all of them down
// itself (arena_first_page.cpp); the others come here. Arenas that are not recorded pay nothing for it.

#include <mayfly/allocation_recorder.hpp>
#include <mayfly/arena.hpp>

#include <algorithm>
#include <utility>

namespace mayfly {

/// While it lives, end_ is where the current page ends.
class arena::shown_room {
 public:
  explicit shown_room(arena& of) noexcept : of_{of} { of.end_ = of.log_->end_of_page_; }
  ~shown_room() { of_.hide_room(); }
  shown_room(shown_room const&) = delete;
  shown_room& operator=(shown_room const&) = delete;

 private:
  arena& of_;
};

void arena::hide_room() noexcept {
  log_->end_of_page_ = end_;
  end_ = next_;
  log_->set_quick_end(next_);
}

/// What bump_and_note() does not do, for allocate_slow().
void* arena::allocate_recorded(std::size_t bytes, std::size_t alignment) {
  {
    shown_room const shown{*this};
    if (void* const memory = bump(bytes, alignment)) {
      log_->allocated(bytes, alignment, /*block=*/false);
      return memory;
    }
  }
  return allocate_more(bytes, alignment);
}

/// The same for try_allocate_slow().
void* arena::try_allocate_recorded(std::size_t bytes, std::size_t alignment) noexcept {
  {
    shown_room const shown{*this};
    if (void* const memory = bump(bytes, alignment)) {
      log_->allocated(bytes, alignment, /*block=*/false);
      return memory;
    }
  }
  return try_allocate_more(bytes, alignment);
}

void* arena::take_recorded(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept {
  if (log_ == nullptr && reserved_bytes() == 0) {
    log_ = pool_->options().recorder->begin(owner_tag_, first_class_);
    if (log_ != nullptr) hide_room();
  }
  if (log_ == nullptr) return take_new(bytes, alignment, refused);
  void* memory = nullptr;
  {
    shown_room const shown{*this};
    std::size_t const in_blocks = block_bytes_;
    memory = take_new(bytes, alignment, refused);
    if (memory != nullptr) log_->allocated(bytes, alignment, block_bytes_ != in_blocks);
  }
  if (reserved_bytes() == 0) end_log();  // refused, and nothing before it: whoever comes next has a log of its own
  return memory;
}

void arena::deallocate_recorded(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  std::byte const* const next = next_;
  if (!oversize(std::max(bytes, std::size_t{1}), alignment)) [[likely]] {  // not what gives a block back
    deallocate_now(memory, bytes, alignment);
    if (next_ == next) return;
    end_ = log_->end_of_page_;
    log_->gave_back(bytes);
    return hide_room();
  }
  std::size_t const in_blocks = block_bytes_;
  std::uint32_t const block = pool_->block_at(memory);
  std::uint32_t const number = block == page_pool::block_npos ? 0 : block_number(block);
  {
    shown_room const shown{*this};
    deallocate_now(memory, bytes, alignment);
    if (block_bytes_ != in_blocks) {
      log_->gave_back_block(number, bytes, alignment);
    } else if (next_ != next) {
      log_->gave_back(bytes);
    }
  }
  if (reserved_bytes() == 0) end_log();  // as good as reset; nobody else would end it
}

bool arena::try_extend_recorded(void* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  bool const in_page = in_current_page(memory, std::max(old_bytes, std::size_t{1}));
  shown_room const shown{*this};
  if (!extend_now(memory, old_bytes, new_bytes)) return false;
  if (in_page) {
    log_->resized(old_bytes, new_bytes);
  } else {
    log_->resized_block(block_number(pool_->block_at(memory)), old_bytes, new_bytes);
  }
  return true;
}

std::uint32_t arena::block_number(std::uint32_t index) const noexcept {
  std::uint32_t number = 0;
  for (std::uint32_t block = blocks_; block != index + 1; block = pool_->descriptor(block - 1).next) ++number;
  return number;
}

void arena::end_log() noexcept { std::exchange(log_, nullptr)->ended(); }

std::uint32_t arena::log_mark() const noexcept {
  std::uint32_t const number = log_->marked();
  log_->set_quick_end(next_);
  return number;
}

void arena::log_rewind(std::uint32_t number) noexcept {
  if (reserved_bytes() == 0) return end_log();  // as good as reset
  log_->rewound(number);
  hide_room();
}

}  // namespace mayfly
