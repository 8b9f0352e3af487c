// The contenders that are mimalloc's heaps: one for each request, which goes as a whole (mi_heap_destroy). A program of
// its own: what is linked to mimalloc has it in malloc's place too.

#include "contest.hpp"

#include <mimalloc.h>

#include <cstddef>

namespace {

using contest::bytes;

struct mimalloc_heap {
  static void request() {
    mi_heap_t* const heap = mi_heap_new();
    contest::fill([heap] { return mi_heap_malloc_small(heap, bytes); });
    mi_heap_destroy(heap);
  }
};
BENCHMARK(contest::run<mimalloc_heap>)->Name("allocate/mimalloc_heap");

struct mimalloc_heap_alone {
  static void request() {
    mi_heap_t* const heap = mi_heap_new();
    contest::use(mi_heap_malloc_small(heap, bytes));
    mi_heap_destroy(heap);
  }
};
BENCHMARK(contest::run<mimalloc_heap_alone>)->Name("scope/mimalloc_heap");

}  // namespace

BENCHMARK_MAIN();
