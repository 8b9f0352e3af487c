// What a scope costs on top of a bare arena, and where it goes. Everything runs warm, on one thread, with recycled
// pages and slots. Compare within one run:
//
//   bench_scopes --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

#include <mayfly/arena.hpp>
#include <mayfly/detail/egress_walk.hpp>
#include <mayfly/effect_handler.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>
#include <mayfly/scoped_ref.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

constexpr std::size_t small_bytes = 32;

struct fixture {
  mayfly::page_pool pool;
  mayfly::scope_registry registry{pool};
};

void touch(void* memory) {
  std::memset(memory, 0x5A, small_bytes);
  benchmark::DoNotOptimize(memory);
}

/// With the time given, as the executor does: it has just read the clock.
mayfly::scope_options timed() { return {.route = "bench", .opened = mayfly::scope_clock::time_point{}}; }

// ---- what there is without scopes

void arena_open_allocate_close(benchmark::State& state) {
  mayfly::page_pool pool;
  for (auto _ : state) {
    mayfly::arena memory{pool};
    touch(memory.allocate(small_bytes));
  }
}
BENCHMARK(arena_open_allocate_close);

/// The part of a scope that pays for its byte budget.
void arena_with_budget_open_allocate_close(benchmark::State& state) {
  mayfly::page_pool pool;
  mayfly::byte_budget budget;
  for (auto _ : state) {
    mayfly::arena memory{pool, {.budget = &budget}};
    touch(memory.allocate(small_bytes));
  }
}
BENCHMARK(arena_with_budget_open_allocate_close);

// ---- a scope's life

void scope_open_allocate_close(benchmark::State& state) {
  fixture f;
  for (auto _ : state) {
    mayfly::scope* const opened = f.registry.open(timed());
    {
      mayfly::scope_entry const entered{*opened, opened->main_arena()};
      touch(opened->arena().allocate(small_bytes));
    }
    opened->close();
  }
}
BENCHMARK(scope_open_allocate_close);

/// Guard mode: of so many scopes one has its page protected, and the oldest in quarantine opened again. 0 is off, and
/// the same as the one above.
void scope_guarded_one_in(benchmark::State& state) {
  mayfly::page_pool pool;
  mayfly::scope_registry registry{pool, {.guard = {.one_in = static_cast<std::uint32_t>(state.range(0))}}};
  for (auto _ : state) {
    mayfly::scope* const opened = registry.open(timed());
    {
      mayfly::scope_entry const entered{*opened, opened->main_arena()};
      touch(opened->arena().allocate(small_bytes));
    }
    opened->close();
  }
}
BENCHMARK(scope_guarded_one_in)->Arg(0)->Arg(1000)->Arg(100)->Arg(1);

/// The difference to the first is the clock.
void scope_open_allocate_close_reading_the_clock(benchmark::State& state) {
  fixture f;
  for (auto _ : state) {
    mayfly::scope* const opened = f.registry.open({.route = "bench"});
    {
      mayfly::scope_entry const entered{*opened, opened->main_arena()};
      touch(opened->arena().allocate(small_bytes));
    }
    opened->close();
  }
}
BENCHMARK(scope_open_allocate_close_reading_the_clock);

void scope_open_close(benchmark::State& state) {
  fixture f;
  for (auto _ : state) {
    mayfly::scope* const opened = f.registry.open(timed());
    benchmark::DoNotOptimize(opened);
    opened->close();
  }
}
BENCHMARK(scope_open_close);

/// One scope after the other on an effect_handler, as a language runtime would drive it.
void effect_handler_enter_allocate_exit(benchmark::State& state) {
  fixture f;
  mayfly::scope_stack scopes{f.registry, timed()};
  for (auto _ : state) {
    mayfly::scope_id const id = scopes.enter_request_scope();
    touch(mayfly::current_scope()->arena().allocate(small_bytes));
    scopes.exit_request_scope(id);
  }
}
BENCHMARK(effect_handler_enter_allocate_exit);

// ---- inside and beside a scope

struct open_scope : fixture {
  mayfly::scope* const opened = registry.open(timed());
  open_scope() = default;
  open_scope(open_scope const&) = delete;
  open_scope& operator=(open_scope const&) = delete;
  ~open_scope() { opened->close(); }
};

void enter_and_leave(benchmark::State& state) {
  open_scope f;
  for (auto _ : state) {
    mayfly::scope_entry const entered{*f.opened, f.opened->main_arena()};
    benchmark::DoNotOptimize(mayfly::current_scope());
  }
}
BENCHMARK(enter_and_leave);

void allocate_in_scope(benchmark::State& state) {
  open_scope f;
  mayfly::scope_entry const entered{*f.opened, f.opened->main_arena()};
  auto const start = f.opened->arena().mark();
  std::size_t rounds = 0;
  for (auto _ : state) {
    touch(f.opened->arena().allocate(small_bytes));
    if (++rounds % 256 == 0) f.opened->arena().rewind(start);
  }
}
BENCHMARK(allocate_in_scope);

void find(benchmark::State& state) {
  open_scope f;
  for (auto _ : state) benchmark::DoNotOptimize(f.registry.find(f.opened->id()));
}
BENCHMARK(find);

void pin_and_unpin(benchmark::State& state) {
  open_scope f;
  for (auto _ : state) benchmark::DoNotOptimize(f.registry.pin(f.opened->id()));
}
BENCHMARK(pin_and_unpin);

// ---- an object in the scope: by pointer, by ref. Sixteen objects, so that nothing stays in a register.

template <typename Ref>
struct objects : open_scope {
  static constexpr std::uint16_t count = 16;
  std::array<Ref, count> refs{};

  template <typename Make>
  explicit objects(Make make) {
    mayfly::scope_entry const entered{*opened, opened->main_arena()};
    for (std::size_t i = 0; i < count; ++i) refs[i] = make(*opened, *opened->make<std::uint64_t>(i));
    benchmark::DoNotOptimize(refs.data());
  }
};

void dereference_pointer(benchmark::State& state) {
  objects<std::uint64_t*> f{[](mayfly::scope&, std::uint64_t& object) { return &object; }};
  while (state.KeepRunningBatch(f.count)) {
    for (auto* const each : f.refs) benchmark::DoNotOptimize(*each);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(dereference_pointer);

void scoped_ref_get(benchmark::State& state) {
  objects<mayfly::scoped_ref<std::uint64_t>> f{
      [](mayfly::scope& in, std::uint64_t& object) { return mayfly::scoped_ref{in, object}; }};
  while (state.KeepRunningBatch(f.count)) {
    for (auto const& each : f.refs) benchmark::DoNotOptimize(*each.get());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(scoped_ref_get);

void scoped_ref_pin_and_unpin(benchmark::State& state) {
  objects<mayfly::scoped_ref<std::uint64_t>> f{
      [](mayfly::scope& in, std::uint64_t& object) { return mayfly::scoped_ref{in, object}; }};
  while (state.KeepRunningBatch(f.count)) {
    for (auto const& each : f.refs) benchmark::DoNotOptimize(*each.pin());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(scoped_ref_pin_and_unpin);

/// The difference to scope_open_allocate_close: the ref made, its page armed and its handles ended with it.
void scope_open_allocate_refer_close(benchmark::State& state) {
  fixture f;
  for (auto _ : state) {
    mayfly::scope* const opened = f.registry.open(timed());
    {
      mayfly::scope_entry const entered{*opened, opened->main_arena()};
      void* const memory = opened->arena().allocate(small_bytes);
      touch(memory);
      benchmark::DoNotOptimize(mayfly::scoped_ref{*opened, *static_cast<std::byte*>(memory)});
    }
    opened->close();
  }
}
BENCHMARK(scope_open_allocate_refer_close);

/// What egress does to a closure, or to a class of which it knows only the size: as many bytes, and no address in them.
void egress_scan(benchmark::State& state) {
  open_scope f;
  alignas(std::uint64_t) std::array<std::byte, 1024> value{};
  mayfly::address_range const ours{.first = reinterpret_cast<std::uintptr_t>(f.opened), .bytes = sizeof(mayfly::scope)};
  for (auto _ : state) {
    benchmark::DoNotOptimize(value.data());
    benchmark::DoNotOptimize(
        mayfly::find_address_in_bytes(value.data(), static_cast<std::size_t>(state.range(0)), ours));
  }
}
BENCHMARK(egress_scan)->Arg(64)->Arg(1024);

void hold_and_release(benchmark::State& state) {
  open_scope f;
  mayfly::scope_entry const entered{*f.opened, f.opened->main_arena()};
  for (auto _ : state) benchmark::DoNotOptimize(f.opened->hold());
}
BENCHMARK(hold_and_release);

}  // namespace

BENCHMARK_MAIN();
