#include <mayfly/service/answer_buffer.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mayfly::service {

namespace {

constexpr std::size_t smallest_chunk = 512;
constexpr std::size_t largest_chunk = 256 * 1024;

}  // namespace

answer_buffer::answer_buffer(answer_buffer&& other) noexcept
    : next_(std::exchange(other.next_, nullptr)),
      end_(std::exchange(other.end_, nullptr)),
      first_(std::exchange(other.first_, nullptr)),
      last_(std::exchange(other.last_, nullptr)),
      memory_(other.memory_),
      next_bytes_(other.next_bytes_) {}

answer_buffer& answer_buffer::operator=(answer_buffer&& other) noexcept {
  if (this != &other) {
    release();
    next_ = std::exchange(other.next_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
    first_ = std::exchange(other.first_, nullptr);
    last_ = std::exchange(other.last_, nullptr);
    memory_ = other.memory_;
    next_bytes_ = other.next_bytes_;
  }
  return *this;
}

void answer_buffer::release() noexcept {
  for (chunk* piece = first_; piece != nullptr;) {
    chunk* const next = piece->next;
    memory_->deallocate(piece, sizeof(chunk) + piece->capacity, alignof(chunk));
    piece = next;
  }
  forget();
}

void answer_buffer::grow(std::size_t bytes) {
  std::size_t capacity = std::max({bytes, next_bytes_, smallest_chunk});
  capacity = (capacity + alignof(chunk) - 1) / alignof(chunk) * alignof(chunk);
  auto* const piece = static_cast<chunk*>(memory_->allocate(sizeof(chunk) + capacity, alignof(chunk)));
  piece->next = nullptr;
  piece->used = 0;
  piece->capacity = capacity;
  if (last_ == nullptr) {
    first_ = piece;
  } else {
    last_->used = static_cast<std::size_t>(next_ - bytes_of(last_));
    last_->next = piece;
  }
  last_ = piece;
  next_ = bytes_of(piece);
  end_ = next_ + capacity;
  next_bytes_ = std::min(capacity * 2, largest_chunk);
}

void answer_buffer::append_slowly(std::string_view text) {
  auto const room = std::min(static_cast<std::size_t>(end_ - next_), text.size());
  if (room != 0) std::memcpy(next_, text.data(), room);
  next_ += room;
  text.remove_prefix(room);
  if (text.empty()) return;
  grow(text.size());
  std::memcpy(next_, text.data(), text.size());
  next_ += text.size();
}

std::size_t answer_buffer::size() const {
  std::size_t bytes = 0;
  for_each_chunk([&](std::string_view piece) { bytes += piece.size(); });
  return bytes;
}

std::size_t answer_buffer::chunk_count() const {
  std::size_t count = 0;
  for_each_chunk([&](std::string_view) { ++count; });
  return count;
}

std::string answer_buffer::str() const {
  std::string text;
  text.reserve(size());
  for_each_chunk([&](std::string_view piece) { text.append(piece); });
  return text;
}

}  // namespace mayfly::service
