// What a ref costs beside a pointer, and what looking through 64 bytes that leave a scope costs. All benchmarks are
// called work/contender; scripts/bench runs each as a process of its own.

#include "handles.hpp"

namespace {

/// Nanoseconds of one of what request() does.
template <typename Way>
void run_each(benchmark::State& state) {
  Way way;
  while (state.KeepRunningBatch(Way::each)) way.request();
}

BENCHMARK(run_each<contest::by_ref>)->Name("ref_get/mayfly");
BENCHMARK(run_each<contest::by_pointer>)->Name("ref_get/pointer");
BENCHMARK(run_each<contest::by_pin>)->Name("ref_pin/mayfly");
BENCHMARK(run_each<contest::by_pointer>)->Name("ref_pin/pointer");
BENCHMARK(run_each<contest::by_locked_pair>)->Name("ref_pin/locked_pair");
BENCHMARK(run_each<contest::scan_of_64>)->Name("egress_64/mayfly");

}  // namespace

BENCHMARK_MAIN();
