#pragma once

#include "chunk.hpp"
#include <mayfly/allocation_recorder.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mayfly::trace {

class live_log;

/// Takes what logs have filled.
class log_keeper {
 public:
  /// false: there is no room; the arena is dropped.
  [[nodiscard]] virtual bool keep_part(chunk::arena_end& of, std::span<std::byte const> operations) noexcept = 0;
  /// The log may be another arena's from here on. dropped: something of this one's was lost already.
  virtual void keep_end(live_log& log, chunk::arena_end& of, std::span<std::byte const> operations,
                        bool dropped) noexcept = 0;

 protected:
  ~log_keeper() = default;
};

/// The log of one arena while it lives.
class live_log final : public allocation_log {
 public:
  explicit live_log(log_keeper& keeper) noexcept : keeper_{keeper} {}

  void start(std::uint64_t request, std::uint64_t now_ns, std::uint32_t thread, std::size_t first_class) noexcept {
    life_ = {.request = request,
             .opened_ns = now_ns,
             .opened_by = thread,
             .first_class = static_cast<std::uint32_t>(first_class)};
    at_ = operations_.data();
    end_ = operations_.data() + capacity;
    allocations_ = 0;
    marks_ = 0;
    dropped_ = false;
  }

  void allocated(std::size_t bytes, std::size_t alignment, bool block) noexcept override {
    ++allocations_;
    put({.kind = block ? operation_kind::allocate_block : operation_kind::allocate,
         .bytes = bytes,
         .alignment = alignment});
  }
  void gave_back(std::size_t bytes) noexcept override { put({.kind = operation_kind::give_back, .bytes = bytes}); }
  void resized(std::size_t old_bytes, std::size_t new_bytes) noexcept override {
    put({.kind = operation_kind::resize, .bytes = old_bytes, .new_bytes = new_bytes});
  }
  void gave_back_block(std::uint32_t number, std::size_t bytes, std::size_t alignment) noexcept override {
    put({.kind = operation_kind::give_back_block, .number = number, .bytes = bytes, .alignment = alignment});
  }
  void resized_block(std::uint32_t number, std::size_t old_bytes, std::size_t new_bytes) noexcept override {
    put({.kind = operation_kind::resize_block, .number = number, .bytes = old_bytes, .new_bytes = new_bytes});
  }
  [[nodiscard]] std::uint32_t marked() noexcept override {
    put({.kind = operation_kind::mark});
    return ++marks_;
  }
  void rewound(std::uint32_t number) noexcept override { put({.kind = operation_kind::rewind, .number = number}); }
  /// Something is missing: the arena will be left out, and counted.
  void lost() noexcept { dropped_ = true; }
  void ended() noexcept override {
    life_.allocations = allocations_;
    keeper_.keep_end(*this, life_, {operations_.data(), at_}, dropped_);
  }

 private:
  static constexpr std::size_t capacity = 3'952;  // with the rest, less than 4 KiB

  void put(operation const& what) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < longest_operation) [[unlikely]]
      go_on();
    at_ = write_operation(at_, what);
  }
  void go_on() noexcept {
    if (!dropped_) dropped_ = !keeper_.keep_part(life_, {operations_.data(), at_});
    at_ = operations_.data();
  }

  log_keeper& keeper_;
  chunk::arena_end life_;
  std::uint32_t marks_ = 0;
  bool dropped_ = false;
  std::array<std::byte, capacity> operations_;
};
static_assert(sizeof(live_log) < 4096);  // so that not all of them begin in the same lines of a cache

}  // namespace mayfly::trace
