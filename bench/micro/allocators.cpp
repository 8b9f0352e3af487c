// What 32 bytes cost, a thousand at a time and then all freed: ours beside the arenas that other libraries have, and
// malloc (under LD_PRELOAD: any malloc). Each peer as its documentation says it is fastest: the memory kept from
// request to request where it has a call for that (protobuf: a first block of our own and Reset(); APR:
// apr_pool_clear(); bumpalo: reset(); pmr: a buffer). Ours (ours.hpp) gives its pages back and takes them again. All
// benchmarks are called work/contender; scripts/bench runs each as a process of its own.

#include "contest.hpp"
#include "ours.hpp"
#include "through_resource.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory_resource>
#include <new>

#ifdef MAYFLY_BENCH_PROTOBUF
#include <google/protobuf/arena.h>
#endif
#ifdef MAYFLY_BENCH_APR
#include <apr_allocator.h>
#include <apr_general.h>
#include <apr_pools.h>
#endif
#ifdef MAYFLY_BENCH_BUMPALO
extern "C" {
// bench/bumpalo/src/lib.rs
struct bumpalo_arena;
bumpalo_arena* bumpalo_new(std::size_t capacity);
void bumpalo_delete(bumpalo_arena* bump);
void bumpalo_allocate_and_reset(bumpalo_arena* bump, std::size_t allocations);
void bumpalo_open_allocate_close(std::size_t requests);
}
#endif

namespace {

using contest::bytes;
using contest::fill;
using contest::fill_through;
using contest::run;
using contest::use;

using buffer = std::array<std::byte, contest::buffer_bytes>;

// ---- allocate: 32 bytes a thousand times, written, all freed

BENCHMARK(run<contest::allocate_in_arena<0>>)->Name("allocate/mayfly");
BENCHMARK(run<contest::allocate_in_arena<1>>)->Name("allocate/mayfly_64k");  // as much at once as peers are given

/// A pointer that moves, and is compared with the end: what no allocator that hands out such a buffer can do without.
/// Freed by going back to the start.
class bare_arena {
 public:
  explicit bare_arena(buffer& memory) : next_{memory.data()}, end_{memory.data() + memory.size()} {}

  [[nodiscard]] void* allocate(std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - next_)) [[unlikely]]
      throw std::bad_alloc{};
    std::byte* const memory = next_;
    next_ += size;
    return memory;
  }

 private:
  std::byte* next_;
  std::byte* end_;
};

struct bare {
  buffer memory;

  void request() {
    bare_arena arena{memory};
    benchmark::DoNotOptimize(&arena);  // in memory, as an allocator is that more than one function allocates from
    fill([&] { return arena.allocate(bytes); });
  }
};
BENCHMARK(run<bare>)->Name("allocate/bare");

struct pmr_with_buffer {
  buffer memory;

  void request() {
    std::pmr::monotonic_buffer_resource resource{memory.data(), memory.size()};
    fill([&] { return resource.allocate(bytes, alignof(void*)); });
  }
};
BENCHMARK(run<pmr_with_buffer>)->Name("allocate/pmr_with_buffer");

struct pmr {
  static void request() {
    std::pmr::monotonic_buffer_resource resource;
    fill([&] { return resource.allocate(bytes, alignof(void*)); });
  }
};
BENCHMARK(run<pmr>)->Name("allocate/pmr");

/// Under LD_PRELOAD: whichever malloc that is.
struct heap {
  std::array<void*, contest::allocations> taken{};

  void request() {
    auto slot = taken.begin();
    fill([&] { return *slot++ = std::malloc(bytes); });
    for (void* const memory : taken) std::free(memory);
  }
};
BENCHMARK(run<heap>)->Name("allocate/malloc");

// ---- allocate_pmr: the same through a memory_resource of which nobody knows which it is

BENCHMARK(run<contest::allocate_through_arena>)->Name("allocate_pmr/mayfly");
BENCHMARK(run<contest::allocate_through_scope>)->Name("allocate_pmr/mayfly_scope");

struct through_pmr_with_buffer {
  buffer memory;

  void request() {
    std::pmr::monotonic_buffer_resource resource{memory.data(), memory.size()};
    fill_through(resource);
  }
};
BENCHMARK(run<through_pmr_with_buffer>)->Name("allocate_pmr/pmr_with_buffer");

struct through_pmr {
  static void request() {
    std::pmr::monotonic_buffer_resource resource;
    fill_through(resource);
  }
};
BENCHMARK(run<through_pmr>)->Name("allocate_pmr/pmr");

// ---- scope: opened with memory of its own, one allocation, closed

BENCHMARK(run<contest::scope_of_one>)->Name("scope/mayfly");
BENCHMARK(run<contest::arena_of_one>)->Name("scope/arena_alone");

struct pmr_alone {
  static void request() {
    std::pmr::monotonic_buffer_resource resource;
    use(resource.allocate(bytes, alignof(void*)));
  }
};
BENCHMARK(run<pmr_alone>)->Name("scope/pmr");

// ---- peers that may not be here

#ifdef MAYFLY_BENCH_PROTOBUF
google::protobuf::ArenaOptions starting_in(std::array<char, contest::buffer_bytes>& memory) {
  google::protobuf::ArenaOptions options;
  options.initial_block = memory.data();
  options.initial_block_size = memory.size();
  return options;
}

/// A first block of its own, which Reset() keeps.
struct protobuf {
  std::array<char, contest::buffer_bytes> memory;
  google::protobuf::Arena arena{starting_in(memory)};

  void request() {
    fill([&] { return arena.AllocateAligned(bytes); });
    arena.Reset();
  }
};
BENCHMARK(run<protobuf>)->Name("allocate/protobuf");

struct protobuf_alone {
  static void request() {
    google::protobuf::Arena arena;
    use(arena.AllocateAligned(bytes));
  }
};
BENCHMARK(run<protobuf_alone>)->Name("scope/protobuf");
#endif

#ifdef MAYFLY_BENCH_APR
/// With an allocator of its own, without a mutex.
struct apr_root {
  apr_allocator_t* allocator = nullptr;
  apr_pool_t* pool = nullptr;

  apr_root() {
    if (apr_initialize() != APR_SUCCESS || apr_allocator_create(&allocator) != APR_SUCCESS ||
        apr_pool_create_ex(&pool, nullptr, nullptr, allocator) != APR_SUCCESS) {
      std::abort();
    }
  }
  apr_root(apr_root const&) = delete;
  apr_root& operator=(apr_root const&) = delete;
  ~apr_root() {
    apr_pool_destroy(pool);
    apr_allocator_destroy(allocator);
    apr_terminate();
  }
};

struct apr : apr_root {
  void request() {
    fill([&] { return apr_palloc(pool, bytes); });
    apr_pool_clear(pool);
  }
};
BENCHMARK(run<apr>)->Name("allocate/apr");

struct apr_alone : apr_root {
  void request() {
    apr_pool_t* request_pool = nullptr;
    if (apr_pool_create_ex(&request_pool, pool, nullptr, nullptr) != APR_SUCCESS) std::abort();
    use(apr_palloc(request_pool, bytes));
    apr_pool_destroy(request_pool);
  }
};
BENCHMARK(run<apr_alone>)->Name("scope/apr");
#endif

#ifdef MAYFLY_BENCH_BUMPALO
struct bumpalo {
  bumpalo_arena* arena = bumpalo_new(contest::buffer_bytes);

  bumpalo() = default;
  bumpalo(bumpalo const&) = delete;
  bumpalo& operator=(bumpalo const&) = delete;
  ~bumpalo() { bumpalo_delete(arena); }

  void request() { bumpalo_allocate_and_reset(arena, contest::allocations); }
};
BENCHMARK(run<bumpalo>)->Name("allocate/bumpalo");

/// A batch a call, so that the way into Rust costs nothing.
void bumpalo_alone(benchmark::State& state) {
  constexpr std::size_t batch = 1000;
  while (state.KeepRunningBatch(batch)) bumpalo_open_allocate_close(batch);
}
BENCHMARK(bumpalo_alone)->Name("scope/bumpalo");
#endif

}  // namespace

BENCHMARK_MAIN();
