// The input is the operations of one arena, in a trace that is sound otherwise: it is read exactly where the check
// finds nothing wrong with them, and then can be played.

#include "chunk.hpp"
#include "file_writer.hpp"
#include "operation_check.hpp"
#include "played.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>

namespace mayfly::trace {
namespace {

std::vector<std::byte> trace_of(std::span<std::byte const> operations, std::uint64_t allocations) {
  memory_output content;
  file_writer writer{content, {.program = "a fuzzer", .workers = 1}};
  chunk block;
  block.begin(0, 0);
  if (!block.add_arena({.request = 1, .closed_ns = 1, .allocations = allocations}, operations)) std::abort();
  writer.write_records(block.content());
  writer.finish({.arenas = 1, .allocations = allocations});
  return content.take();
}

}  // namespace
}  // namespace mayfly::trace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
  using namespace mayfly;
  auto const operations = std::as_bytes(std::span{data, std::min<std::size_t>(size, trace::chunk::capacity / 2)});
  std::uint64_t allocations = 0;
  bool const sound = trace::check_operations(operations, allocations).wrong == nullptr;
  try {
    trace::trace const read = trace::trace::from_bytes(trace::trace_of(operations, allocations), "input");
    if (!sound) std::abort();
    test::play(read);
  } catch (trace::trace_error const&) {
    if (sound) std::abort();
  }
  return 0;
}
