#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

namespace mayfly::service {

class input_blocks;

/// A piece of input and the number of those who still read it. The bytes follow the header.
struct input_block {
  input_blocks* owner;
  input_block* next_idle;
  std::size_t capacity;
  std::atomic<std::size_t> users;

  [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

/// Keeps a block of input; the last one gone gives it back. Any thread.
class block_ref {
 public:
  block_ref() = default;
  explicit block_ref(input_block* block) : block_(block) {}
  block_ref(block_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  block_ref& operator=(block_ref&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~block_ref() { release(); }

  [[nodiscard]] block_ref share() const;
  void release();
  [[nodiscard]] input_block* get() const { return block_; }
  input_block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  input_block* block_ = nullptr;
};

/// Memory for input. Blocks of the usual size are kept for reuse, so that a long stream costs no allocation; larger
/// ones, which a long line needs, come and go. Must outlive its blocks.
class input_blocks {
 public:
  static constexpr std::size_t usual_bytes = 256 * 1024;

  input_blocks() = default;
  input_blocks(input_blocks const&) = delete;
  input_blocks& operator=(input_blocks const&) = delete;
  ~input_blocks();

  /// A block of at least `bytes` bytes. Throws std::bad_alloc.
  [[nodiscard]] block_ref take(std::size_t bytes);

  /// Bytes of blocks that somebody still reads.
  [[nodiscard]] std::size_t bytes_in_use() const { return in_use_.load(std::memory_order_relaxed); }

 private:
  friend class block_ref;
  void give(input_block* block);

  std::mutex mutex_;  // guards idle_
  input_block* idle_ = nullptr;
  // relaxed everywhere: a figure that limits how far the reader runs ahead; no data hangs on it
  std::atomic<std::size_t> in_use_{0};
};

}  // namespace mayfly::service
