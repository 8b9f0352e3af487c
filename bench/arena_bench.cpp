// What an arena costs beside the ways other libraries have: std::pmr::monotonic_buffer_resource over operator new,
// protobuf's Arena, plain malloc. Compare within one run only:
//
//   bench_arena --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
//               --benchmark_report_aggregates_only=true

#include <mayfly/arena.hpp>

#include <benchmark/benchmark.h>
#ifdef MAYFLY_BENCH_PROTOBUF
#include <google/protobuf/arena.h>
#endif

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory_resource>
#include <vector>

namespace {

constexpr std::size_t bytes = 32;
constexpr std::size_t page_bytes = std::size_t{16} << 10U;

/// Writes as a user would, so that memory that is cold for its allocator costs what it costs.
void use(void* memory) {
  std::memset(memory, 1, bytes);
  benchmark::DoNotOptimize(memory);
}

mayfly::page_pool& pool() {
  static mayfly::page_pool pages;
  return pages;
}

// Each way opens, serves allocations of 32 bytes, and gives them all back.

void with_mayfly(std::size_t allocations) {
  mayfly::arena memory{pool()};
  for (std::size_t i = 0; i < allocations; ++i) use(memory.allocate(bytes));
}

void with_mayfly_budget(std::size_t allocations) {
  mayfly::byte_budget budget{std::size_t{64} << 20U};
  mayfly::arena memory{pool(), {.budget = &budget, .owner_tag = 1}};
  for (std::size_t i = 0; i < allocations; ++i) use(memory.allocate(bytes));
}

void with_pmr(std::size_t allocations) {
  std::pmr::monotonic_buffer_resource memory{page_bytes};
  for (std::size_t i = 0; i < allocations; ++i) use(memory.allocate(bytes));
}

#ifdef MAYFLY_BENCH_PROTOBUF
void with_protobuf(std::size_t allocations) {
  google::protobuf::ArenaOptions options;
  options.start_block_size = page_bytes;
  google::protobuf::Arena memory{options};
  for (std::size_t i = 0; i < allocations; ++i) use(google::protobuf::Arena::CreateArray<char>(&memory, bytes));
}
#endif

void with_malloc(std::size_t allocations) {
  thread_local std::vector<void*> taken(100'000);
  for (std::size_t i = 0; i < allocations; ++i) use(taken[i] = std::malloc(bytes));
  for (std::size_t i = 0; i < allocations; ++i) std::free(taken[i]);
}

template <void (*Request)(std::size_t)>
void request_of(benchmark::State& state) {
  auto const allocations = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) Request(allocations);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// 1: open and close. 100: one page. 10'000: pages of every class.
#define MAYFLY_COMPARED(way) BENCHMARK(request_of<way>)->Name(#way)->Arg(1)->Arg(100)->Arg(10'000)->ThreadRange(1, 2)

MAYFLY_COMPARED(with_mayfly);
MAYFLY_COMPARED(with_mayfly_budget);
MAYFLY_COMPARED(with_pmr);
#ifdef MAYFLY_BENCH_PROTOBUF
MAYFLY_COMPARED(with_protobuf);
#endif
MAYFLY_COMPARED(with_malloc);

}  // namespace

BENCHMARK_MAIN();
