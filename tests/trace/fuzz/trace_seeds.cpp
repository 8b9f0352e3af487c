// trace_seeds FOLDER: writes what the fuzzers start from, into FOLDER/trace_file_fuzzer and
// FOLDER/trace_operations_fuzzer.

#include <mayfly/trace/trace_builder.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace mayfly::trace;
using kind = operation_kind;

std::vector<std::vector<operation>> lives() {
  return {{{.bytes = 100}, {.bytes = 7}, {.bytes = 3'000}},
          {{.bytes = 40}, {.kind = kind::resize, .bytes = 40, .new_bytes = 90}, {.kind = kind::give_back, .bytes = 90}},
          {{.bytes = 24, .alignment = 64},
           {.kind = kind::mark},
           {.bytes = 20'000},
           {.kind = kind::allocate_block, .bytes = 70'000, .alignment = 8'192},
           {.kind = kind::rewind, .number = 1},
           {.bytes = 1}},
          {{.kind = kind::allocate_block, .bytes = 100'000},
           {.kind = kind::allocate_block, .bytes = 3'000'000},
           {.kind = kind::resize_block, .number = 1, .bytes = 100'000, .new_bytes = 100'100},
           {.kind = kind::give_back_block, .number = 0, .bytes = 3'000'000}}};
}

void write(std::filesystem::path const& path, std::span<std::byte const> content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary}.write(reinterpret_cast<char const*>(content.data()),
                                              static_cast<std::streamsize>(content.size()));
}

std::vector<std::byte> bytes_of(std::span<operation const> operations) {
  std::vector<std::byte> bytes(operations.size() * longest_operation);
  std::byte* at = bytes.data();
  for (operation const& each : operations) at = write_operation(at, each);
  bytes.resize(static_cast<std::size_t>(at - bytes.data()));
  return bytes;
}

/// One request for each life on two threads; `times` lives one after the other, for one that comes in parts.
std::vector<std::byte> file_of(std::size_t times) {
  trace_builder builder{{.program = "trace_seeds", .workers = 2}};
  std::uint64_t now_ns = 0;
  for (auto const& life : lives()) {
    std::vector<operation> operations;
    for (std::size_t i = 0; i < times; ++i) {
      if (i == 0 || life.back().kind != kind::give_back_block)
        operations.insert(operations.end(), life.begin(), life.end());
    }
    std::erase_if(operations, [&](operation const& each) { return times > 1 && each.kind == kind::rewind; });
    auto const by = static_cast<std::uint32_t>(now_ns % 2);
    builder.add_request(by == 0 ? "even" : "odd",
                        {.opened_ns = now_ns, .closed_ns = now_ns + 5, .opened_by = by, .closed_by = 0}, operations);
    ++now_ns;
  }
  return builder.finish();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: trace_seeds FOLDER\n";
    return 2;
  }
  std::filesystem::path const folder = arguments[1];
  write(folder / "trace_file_fuzzer" / "small", file_of(1));
  write(folder / "trace_file_fuzzer" / "in_parts", file_of(7'000));
  int number = 0;
  for (auto const& life : lives()) {
    write(folder / "trace_operations_fuzzer" / std::to_string(number++), bytes_of(life));
  }
  return 0;
}
