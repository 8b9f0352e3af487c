#include <mayfly/audit.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <vector>

// What an audit costs, by the heap that it searches: blocks of 64 bytes, or of 1 MiB with mappings of their own. "held"
// has one block that points into the scope, so that the chunks of its region are walked too. bytes_per_second counts
// what was searched: 1 MiB / bytes_per_second is the cost of a MiB.
namespace {

constexpr std::size_t mib = std::size_t{1} << 20U;

void audit_heap(benchmark::State& state, std::size_t block_bytes, bool held) {
  mayfly::page_pool pool;
  mayfly::scope_registry registry{pool, {.capacity = 4}};
  mayfly::scope& audited = *registry.open({.route = "bench"});
  void const* object = nullptr;
  {
    mayfly::scope_entry const entered{audited};
    object = audited.make<int>(1);
  }
  auto const bytes = static_cast<std::size_t>(state.range(0)) * mib;
  std::vector<std::unique_ptr<void const*[]>> blocks;
  for (std::size_t i = 0; i < bytes / block_bytes; ++i) {
    blocks.push_back(std::make_unique<void const*[]>(block_bytes / sizeof(void*) - 2));
  }
  if (held) blocks.back()[1] = object;
  mayfly::set_escape_handler([](mayfly::escape_report const&, void*) noexcept {}, nullptr);
  std::size_t searched = 0;
  mayfly::audit_result found;
  for (auto _ : state) {
    found = mayfly::audit_scope(audited, {.most_bytes = std::size_t{1} << 40U});
    searched += found.searched_bytes;
  }
  if (found.heap_blocks != (held ? 1U : 0U) || !found.complete) state.SkipWithError("the audit went wrong");
  state.SetBytesProcessed(static_cast<int64_t>(searched));
  state.counters["searched_MiB"] = static_cast<double>(found.searched_bytes) / mib;
  audited.close();
}

BENCHMARK_CAPTURE(audit_heap, small_blocks, 64, false)->Arg(0)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(audit_heap, small_blocks_held, 64, true)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(audit_heap, large_blocks, mib, false)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
