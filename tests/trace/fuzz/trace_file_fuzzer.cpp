// The input is a file: it is read and played, or refused with a message that names the offset.

#include "file_parts.hpp"
#include "played.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>

extern "C" std::size_t LLVMFuzzerMutate(unsigned char* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(unsigned char* data, std::size_t size, std::size_t max_size,
                                               unsigned seed);
extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size);

namespace mayfly::test {
namespace {

void mutate(std::vector<std::byte>& content, std::size_t most_more) {
  std::size_t const size = content.size();
  content.resize(size + most_more);
  content.resize(LLVMFuzzerMutate(reinterpret_cast<unsigned char*>(content.data()), size, content.size()));
}

/// Changes the content of one part, or the order and number of the blocks.
void mutate(file_parts& parts, std::size_t most_more, std::mt19937& random) {
  if (parts.blocks.empty() || random() % 16 == 0) return mutate(parts.settings, most_more);
  auto const pick = [&] { return parts.blocks.begin() + static_cast<std::ptrdiff_t>(random() % parts.blocks.size()); };
  switch (random() % 16) {
    case 0:
      return std::iter_swap(pick(), pick());
    case 1:
      parts.blocks.erase(pick());
      return;
    case 2: {
      file_parts::block const copied = *pick();
      parts.blocks.insert(pick(), copied);
      return;
    }
    default:
      mutate(pick()->content, most_more);
  }
}

}  // namespace
}  // namespace mayfly::test

extern "C" std::size_t LLVMFuzzerCustomMutator(unsigned char* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  using namespace mayfly::test;
  std::mt19937 random{seed};
  auto parts = random() % 16 == 0 ? std::nullopt : file_parts::of(std::as_bytes(std::span{data, size}));
  if (!parts) return LLVMFuzzerMutate(data, size, max_size);
  mutate(*parts, max_size - size, random);
  auto const file = parts->whole();
  if (file.size() > max_size) return size;
  std::memcpy(data, file.data(), file.size());
  return file.size();
}

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
  using namespace mayfly;
  auto const input = std::as_bytes(std::span{data, size});
  try {
    test::play(trace::trace::from_bytes({input.begin(), input.end()}, "input"));
  } catch (trace::trace_error const& error) {
    if (std::string_view{error.what()}.find("(at offset ") == std::string_view::npos) std::abort();
  }
  return 0;
}
