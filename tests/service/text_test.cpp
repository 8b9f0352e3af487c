#include <mayfly/service/text.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::service {
namespace {

constexpr std::size_t longest = 70;  // past several blocks of sixteen

/// Memory of exactly that size, so that AddressSanitizer sees a byte too many.
using room = std::vector<char>;

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i % 3 == 0 ? 0x80 + i % 64 : 'a' + i % 26);
  return text;
}

TEST(CopyPlain, CopiesATextOfAnyLengthThatNeedsNoEscape) {
  for (std::size_t size = 0; size <= longest; ++size) {
    std::string const wanted = text_of(size);
    std::vector<char> const text(wanted.begin(), wanted.end());
    room to(size);
    char* const end = copy_plain(to.data(), {text.data(), size});
    ASSERT_EQ(end, to.data() + size) << size;
    EXPECT_EQ(to, text) << size;
  }
}

TEST(CopyPlain, RefusesATextWithAnEscapeAnywhere) {
  for (std::size_t size = 1; size <= longest; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (char const escaped : {'"', '\\', '\0', '\x1F'}) {
        std::string text = text_of(size);
        text[at] = escaped;
        room to(size);
        EXPECT_EQ(copy_plain(to.data(), text), nullptr) << at << " of " << size;
        EXPECT_EQ(plain_prefix(text), at);
      }
    }
  }
}

TEST(CopyPlain, TakesTheCharactersNextToThoseForPlain) {
  for (std::size_t size = 1; size <= longest; ++size) {
    for (char const plain : {' ', '!', '#', '[', ']', '\x7F', '\x80', '\xFF'}) {
      std::string const text(size, plain);
      room to(size);
      EXPECT_NE(copy_plain(to.data(), text), nullptr) << size;
    }
  }
}

TEST(Utf16Prefix, IsTheFirstEightBytesWithZeroesBehindAShortName) {
  for (std::size_t size = 0; size <= 10; ++size) {
    std::string name;
    for (std::size_t i = 0; i < size; ++i) name += static_cast<char>('A' + i);
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i) {
      expected |= std::uint64_t{static_cast<unsigned char>(name[i])} << (56 - 8 * i);
    }
    std::vector<char> const exact(name.begin(), name.end());
    EXPECT_EQ(utf16_prefix({exact.data(), exact.size()}), expected) << size;
  }
}

}  // namespace
}  // namespace mayfly::service
