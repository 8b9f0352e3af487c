#include <mayfly/service/input_blocks.hpp>

#include <algorithm>
#include <new>

namespace mayfly::service {

block_ref block_ref::share() const {
  // relaxed: this reference keeps the block while another is made
  if (block_ != nullptr) block_->users.fetch_add(1, std::memory_order_relaxed);
  return block_ref(block_);
}

void block_ref::release() {
  input_block* const block = std::exchange(block_, nullptr);
  if (block == nullptr) return;
  // sync block-users: acq_rel; pairs with itself; the last reader's successor writes into the block after all have read
  if (block->users.fetch_sub(1, std::memory_order_acq_rel) == 1) block->owner->give(block);
}

input_blocks::~input_blocks() {
  while (idle_ != nullptr) ::operator delete(std::exchange(idle_, idle_->next_idle));
}

block_ref input_blocks::take(std::size_t bytes) {
  bytes = std::max(bytes, usual_bytes);
  input_block* block = nullptr;
  if (bytes == usual_bytes) {
    std::scoped_lock const lock(mutex_);
    block = idle_;
    if (block != nullptr) idle_ = block->next_idle;
  }
  if (block == nullptr) {
    block = static_cast<input_block*>(::operator new(sizeof(input_block) + bytes));
    ::new (block) input_block{this, nullptr, bytes, 1};
  } else {
    block->users.store(1, std::memory_order_relaxed);  // relaxed: nobody else knows the block
  }
  in_use_.fetch_add(bytes, std::memory_order_relaxed);
  return block_ref(block);
}

void input_blocks::give(input_block* block) {
  in_use_.fetch_sub(block->capacity, std::memory_order_relaxed);
  if (block->capacity != usual_bytes) return ::operator delete(block);
  std::scoped_lock const lock(mutex_);
  block->next_idle = idle_;
  idle_ = block;
}

}  // namespace mayfly::service
