#include "heap_request.hpp"

#include <mayfly/page_pool.hpp>
#include <mayfly/trace/operation.hpp>
#include <mayfly/trace/recorder.hpp>

#include <algorithm>
#include <new>

namespace mayfly::preload {
namespace {

// As an arena of a pool with default settings has them.
constexpr std::size_t largest_in_page = page_pool_options{}.class_bytes.back() / 4;
constexpr std::size_t largest_alignment_in_page = 4096;
constexpr std::size_t block_unit_bytes = page_pool::block_unit_bytes;
constexpr std::size_t largest_alignment = std::size_t{2} << 20U;
/// What malloc gives has 16; what is put there rarely needs it.
constexpr std::size_t usual_alignment = 8;

std::size_t in_units(std::size_t bytes) noexcept {
  return (bytes + block_unit_bytes - 1) / block_unit_bytes * block_unit_bytes;
}

}  // namespace

heap_request::heap_request(trace::recorder& recorder, std::uint64_t id, std::string_view route)
    : recorder_{recorder}, id_{id}, route_{route} {
  recorder_.on_open(scope_id::from_bits(id_), route_);
}

heap_request::~heap_request() {
  if (log_ != nullptr) log_->ended();
  recorder_.on_close(scope_id::from_bits(id_), route_, outcome_kind::value);
}

bool heap_request::gets_block(std::size_t bytes, std::size_t alignment) noexcept {
  return bytes > largest_in_page || alignment > largest_alignment_in_page;
}

/// false: the recorder has no log for it; it is dropped, and counted there.
bool heap_request::begin() noexcept {
  if (!begun_) log_ = recorder_.begin(id_, /*first_class=*/0);
  begun_ = true;
  return log_ != nullptr;
}

void heap_request::push_last(allocation const& made) noexcept {
  last_[last_end_] = made;
  last_end_ = (last_end_ + 1) % most_last;
  last_count_ = std::min(last_count_ + 1, most_last);
}

void heap_request::allocated(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  if (!begin()) return;
  allocation const made{memory, std::min(bytes, trace::operation_size_limit - 1),
                        std::clamp(alignment, usual_alignment, largest_alignment)};
  if (gets_block(bytes, made.alignment)) {
    try {
      blocks_.push_back(made);
      log_->allocated(made.bytes, made.alignment, /*block=*/true);
    } catch (std::bad_alloc const&) {
      trace::recorder::lose(*log_);
    }
  } else {
    push_last(made);
    log_->allocated(made.bytes, made.alignment, /*block=*/false);
  }
}

std::vector<heap_request::allocation>::iterator heap_request::block_at(void const* memory) noexcept {
  return std::ranges::find(blocks_, memory, &allocation::memory);
}

std::uint32_t heap_request::number_of(std::vector<allocation>::const_iterator block) const noexcept {
  return static_cast<std::uint32_t>(blocks_.cend() - block - 1);
}

void heap_request::free_block(std::vector<allocation>::iterator block) noexcept {
  log_->gave_back_block(number_of(block), block->bytes, block->alignment);
  blocks_.erase(block);
}

void heap_request::freed(void const* memory, std::size_t room) noexcept {
  if (log_ == nullptr) return;
  bool const may_be_block =
      room > largest_in_page || reinterpret_cast<std::uintptr_t>(memory) % (2 * largest_alignment_in_page) == 0;
  auto const block = may_be_block ? block_at(memory) : blocks_.end();
  block == blocks_.end() ? free_in_page(memory) : free_block(block);
}

heap_request::allocation* heap_request::last_at(void const* memory) noexcept {
  for (std::size_t back = 1; back <= last_count_; ++back) {
    allocation& each = last_[(last_end_ + most_last - back) % most_last];
    if (each.memory == memory) return &each;
  }
  return nullptr;
}

void heap_request::forget_in_page(void const* memory) noexcept {
  if (allocation* const known = last_at(memory)) known->memory = nullptr;
}

/// The last allocation goes back; what lies before it stays where it is, and is nobody's any more.
void heap_request::free_in_page(void const* memory) noexcept {
  allocation* const known = last_at(memory);
  if (known == nullptr) return;
  known->memory = nullptr;
  std::size_t const newest = (last_end_ + most_last - 1) % most_last;
  if (known != &last_[newest]) return;
  log_->gave_back(known->bytes);
  last_end_ = newest;
  --last_count_;
}

bool heap_request::resize_last(void const* old_memory, void* memory, std::size_t bytes) noexcept {
  allocation& last = last_[(last_end_ + most_last - 1) % most_last];
  if (last_count_ == 0 || last.memory != old_memory || gets_block(bytes, last.alignment)) return false;
  log_->resized(last.bytes, bytes);
  last.memory = memory;
  last.bytes = bytes;
  return true;
}

bool heap_request::resize_block(void const* old_memory, void* memory, std::size_t bytes) noexcept {
  auto const block = block_at(old_memory);
  if (block == blocks_.end() || bytes > in_units(block->bytes) || !gets_block(bytes, block->alignment)) return false;
  log_->resized_block(number_of(block), block->bytes, bytes);
  block->memory = memory;
  block->bytes = bytes;
  return true;
}

void heap_request::reallocated(void const* old_memory, std::size_t old_room, void* memory, std::size_t bytes) noexcept {
  if (log_ != nullptr && (resize_last(old_memory, memory, bytes) || resize_block(old_memory, memory, bytes))) return;
  bool const was_block = log_ != nullptr && block_at(old_memory) != blocks_.end();
  if (!was_block && bytes <= old_room) return;  // it stays where it is, as large as it was
  // As a program does that finds no room behind it: new memory, a copy, and the old one goes back. The same address may
  // be both; what is older is found first among blocks, last among others.
  if (!was_block && !gets_block(bytes, usual_alignment)) forget_in_page(old_memory);
  allocated(memory, bytes, usual_alignment);
  if (log_ == nullptr) return;
  was_block ? free_block(block_at(old_memory)) : free_in_page(old_memory);
}

}  // namespace mayfly::preload
