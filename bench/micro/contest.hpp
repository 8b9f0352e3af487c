#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstring>

/// What the programs of this folder share: how much is allocated, and how it is used. bench/bumpalo does the same in
/// Rust.
namespace contest {

inline constexpr std::size_t bytes = 32;
inline constexpr std::size_t allocations = 1000;
/// Room for all of them, for peers that are given a buffer.
inline constexpr std::size_t buffer_bytes = std::size_t{64} << 10U;

/// Writes as a user would, so that memory that is cold for its allocator costs what it costs. Then anybody may have
/// looked at whatever is reachable: no allocator's state stays in registers from one allocation to the next.
[[gnu::always_inline]] inline void use(void* memory) {
  std::memset(memory, 1, bytes);
  benchmark::DoNotOptimize(memory);
}

/// All allocations of one request.
template <typename Allocate>
[[gnu::always_inline]] inline void fill(Allocate allocate) {
  for (std::size_t i = 0; i < allocations; ++i) use(allocate());
}

/// A contender: made once, request() is one round of the work.
template <typename Way>
void run(benchmark::State& state) {
  Way way;
  for (auto _ : state) way.request();
}

}  // namespace contest
