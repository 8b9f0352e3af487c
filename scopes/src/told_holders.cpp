#include "told_holders.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace mayfly::detail {
namespace {

/// What was told, as a digest: an address itself would be found by the next audit.
struct told_word {
  std::uint64_t digest = 0;
  scope_clock::time_point when{};
};

struct memory_of_words {
  std::mutex mutex;
  std::array<told_word, 4096> words{};
};

constinit memory_of_words memory;

/// The finish of Steele, Lea and Flood's splitmix64.
std::uint64_t digest_of(found_word word) noexcept {
  std::uint64_t z = word.value + word.at * 0x9E3779B97F4A7C15U;
  z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
  return z ^ z >> 31U;
}

}  // namespace

void remember_told(found_word word) noexcept {
  std::uint64_t const digest = digest_of(word);
  auto const now = scope_clock::now();
  std::scoped_lock const lock{memory.mutex};
  told_word& told = memory.words[digest % memory.words.size()];
  if (told.digest != digest) told = {digest, now};  // else it is known for longer
}

bool told_before(found_word word, scope_clock::time_point opened) noexcept {
  std::uint64_t const digest = digest_of(word);
  std::scoped_lock const lock{memory.mutex};
  told_word const& told = memory.words[digest % memory.words.size()];
  return told.digest == digest && told.when <= opened;
}

}  // namespace mayfly::detail
