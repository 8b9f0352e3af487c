#pragma once

#include <cstddef>
#include <memory_resource>
#include <string>
#include <string_view>

namespace mayfly::service {

/// The text of one answer while it is written: a chain of chunks taken from a memory_resource.
///
///     first ─> [chunk | next ─]─> [chunk | next ─]─> null       next_ .. end_: room left in the last chunk
///              size bytes         size bytes
///
/// Bytes never move once they are written, so an answer of any size is written once (no doubling and copying) and
/// can be handed to writev() where it lies. Chunks grow with the answer, from `expected` up to 256 KiB.
/// One thread at a time.
class answer_buffer {
 public:
  explicit answer_buffer(std::pmr::memory_resource* memory, std::size_t expected = 0)
      : memory_(memory), next_bytes_(expected) {}
  answer_buffer(answer_buffer&& other) noexcept;
  answer_buffer& operator=(answer_buffer&& other) noexcept;
  answer_buffer(answer_buffer const&) = delete;
  answer_buffer& operator=(answer_buffer const&) = delete;
  ~answer_buffer() { release(); }

  void push(char c) {
    if (next_ == end_) grow(1);
    *next_++ = c;
  }

  void append(std::string_view text) {
    if (static_cast<std::size_t>(end_ - next_) >= text.size()) [[likely]] {
      std::char_traits<char>::copy(next_, text.data(), text.size());  // unlike memcpy, defined for null and 0
      next_ += text.size();
    } else {
      append_slowly(text);
    }
  }

  /// At least `bytes` contiguous bytes to write into; commit(end) tells how many were used.
  [[nodiscard]] char* reserve(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - next_) < bytes) grow(bytes);
    return next_;
  }
  void commit(char* end) { next_ = end; }

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t chunk_count() const;

  /// Calls visit(std::string_view) for each piece of the text in order; none of them is empty.
  template <class Visit>
  void for_each_chunk(Visit&& visit) const {
    for (chunk const* piece = first_; piece != nullptr; piece = piece->next) {
      std::size_t const used = piece == last_ ? static_cast<std::size_t>(next_ - bytes_of(last_)) : piece->used;
      if (used != 0) visit(std::string_view{bytes_of(piece), used});
    }
  }

  /// The whole text, copied.
  [[nodiscard]] std::string str() const;

  /// Drops the text and gives its memory back.
  void release() noexcept;
  /// Drops the text and leaves its memory to be taken back by whoever owns all of it.
  void forget() noexcept {
    first_ = last_ = nullptr;
    next_ = end_ = nullptr;
  }

 private:
  struct chunk {
    chunk* next;
    std::size_t used;      // written when the chunk after it is begun; the last chunk's is next_ - bytes
    std::size_t capacity;  // of the bytes that follow
  };

  static char* bytes_of(chunk* piece) { return reinterpret_cast<char*>(piece + 1); }
  static char const* bytes_of(chunk const* piece) { return reinterpret_cast<char const*>(piece + 1); }

  void grow(std::size_t bytes);
  void append_slowly(std::string_view text);

  char* next_ = nullptr;
  char* end_ = nullptr;
  chunk* first_ = nullptr;
  chunk* last_ = nullptr;
  std::pmr::memory_resource* memory_;
  std::size_t next_bytes_;
};

}  // namespace mayfly::service
