#include <mayfly/stress/choices.hpp>
#include <mayfly/stress/written_memory.hpp>

#include <array>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

namespace mayfly::stress {

namespace {

constexpr std::uint64_t word_step = 0x9E37'79B9'7F4A'7C15U;

/// Eight bytes of the pattern, the `index`-th.
constexpr std::uint64_t pattern_word(std::uint64_t mark, std::size_t index) noexcept {
  return mark + index * word_step;
}

void write_pattern(std::byte* data, std::size_t bytes, std::uint64_t mark) noexcept {
  std::size_t index = 0;
  for (; bytes >= sizeof(std::uint64_t); bytes -= sizeof(std::uint64_t), data += sizeof(std::uint64_t)) {
    std::uint64_t const word = pattern_word(mark, index++);
    std::memcpy(data, &word, sizeof word);
  }
  std::uint64_t const last = pattern_word(mark, index);
  std::memcpy(data, &last, bytes);
}

/// Where the first eight bytes that are not the pattern begin; `bytes` when all are.
std::size_t first_wrong(std::byte const* data, std::size_t bytes, std::uint64_t mark) noexcept {
  for (std::size_t at = 0, index = 0; at < bytes; at += sizeof(std::uint64_t), ++index) {
    std::uint64_t const word = pattern_word(mark, index);
    std::size_t const length = bytes - at < sizeof word ? bytes - at : sizeof word;
    if (std::memcmp(data + at, &word, length) != 0) return at;
  }
  return bytes;
}

std::string hex(std::byte const* data, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) {
    std::array<char, 4> two;
    std::snprintf(two.data(), two.size(), "%02x", std::to_integer<unsigned>(data[i]));
    text += two.data();
  }
  return text;
}

std::string address_text(void const* address) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%p", address);
  return text.data();
}

}  // namespace

std::uint64_t written_memory::mark_of(chunk const* at) const noexcept {
  return mix_numbers(key_, reinterpret_cast<std::uintptr_t>(at));
}

std::uint64_t written_memory::seal_of(chunk const& one) const noexcept {
  std::uint64_t const places =
      mix_numbers(reinterpret_cast<std::uintptr_t>(one.next), reinterpret_cast<std::uintptr_t>(one.data));
  return mix_numbers(mark_of(&one), mix_numbers(places, one.bytes));
}

std::byte* written_memory::write(arena& lane, std::size_t bytes, std::size_t alignment) {
  auto* const header = lane.allocate(sizeof(chunk), alignof(chunk));
  auto* const data = static_cast<std::byte*>(lane.allocate(bytes, alignment));
  auto* const made = ::new (header) chunk{0, nullptr, data, bytes};
  write_pattern(data, bytes, mark_of(made));
  push(made);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);  // relaxed: a figure
  return data;
}

void written_memory::push(chunk* made) noexcept {
  made->next = newest_.load(std::memory_order_relaxed);  // relaxed: the exchange checks it
  // Lock-free: a failure means that another lane got in. No ABA: chunks only ever go as a whole, when the scope ends.
  do {
    made->seal = seal_of(*made);
    // sync written-chunk: release; pairs with check(); publishes the chunk and its pattern
  } while (!newest_.compare_exchange_weak(made->next, made, std::memory_order_release, std::memory_order_relaxed));
}

void written_memory::check(page_pool const& pool, scope_id owner, std::uint64_t number, violation_log& into) const {
  std::uint64_t read = 0;
  // sync written-chunk: acquire; pairs with push(); reads chunks and patterns
  for (chunk const* one = newest_.load(std::memory_order_acquire); one != nullptr; one = one->next) {
    if (!check_chunk(*one, pool, owner, number, into)) return;
    read += one->bytes;
  }
  if (read == bytes()) return;
  into.add(number, "all " + std::to_string(bytes()) + " bytes that it wrote to be found again",
           std::to_string(read) + " are");
}

/// False: the rest cannot be read, or need not.
bool written_memory::check_chunk(chunk const& one, page_pool const& pool, scope_id owner, std::uint64_t number,
                                 violation_log& into) const {
  if (!pool.contains(&one) || one.seal != seal_of(one)) {
    into.add(number, "the note of an allocation as it was written, at " + address_text(&one), "somebody wrote over it");
    return false;
  }
  std::uint64_t const mark = mark_of(&one);
  std::size_t const wrong = first_wrong(one.data, one.bytes, mark);
  if (wrong != one.bytes) {
    std::size_t const length = one.bytes - wrong < 8 ? one.bytes - wrong : 8;
    std::uint64_t const word = pattern_word(mark, wrong / 8);
    into.add(number,
             "the bytes it wrote at " + address_text(one.data + wrong) + " (byte " + std::to_string(wrong) + " of " +
                 std::to_string(one.bytes) + "): " + hex(reinterpret_cast<std::byte const*>(&word), length),
             hex(one.data + wrong, length));
    return false;
  }
  for (std::byte const* const end : {one.data, one.data + one.bytes - 1}) {
    std::uint64_t const seen = pool.owner_of(end);
    if (seen == owner.bits()) continue;
    into.add(number, "the page at " + address_text(end) + " owned by its scope " + to_string(owner),
             "it is owned by " + to_string(scope_id::from_bits(seen)));
    return false;
  }
  return true;
}

}  // namespace mayfly::stress
