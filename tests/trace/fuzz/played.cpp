#include "played.hpp"

#include <mayfly/trace/replay.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace mayfly::test {
namespace {

void require(bool holds, char const* what) {
  if (holds) return;
  std::cerr << "a trace that was read is not sound: " << what << '\n';
  std::abort();
}

void walk(trace::trace const& of) {
  for (trace::arena_life const& life : of.arenas()) {
    trace::operation_reader reader{life.operations};
    std::uint64_t allocations = 0;
    for (trace::operation next{}; reader.next(next);) {
      if (next.kind == trace::operation_kind::allocate || next.kind == trace::operation_kind::allocate_block) {
        ++allocations;
      }
      require(next.bytes < trace::operation_size_limit, "a size");
    }
    require(allocations == life.allocations, "the allocations of a life");
    require(life.opened_ns <= life.closed_ns, "the times of a life");
    require(life.opened_by < of.threads() && life.closed_by < of.threads(), "a thread");
  }
  for (trace::request const& each : of.requests()) {
    require(each.route < of.routes().size(), "a route");
    require(each.opened_ns <= each.closed_ns, "the times of a request");
  }
}

void simulate(trace::trace const& of, page_pool_options pages, std::chrono::nanoseconds epoch) {
  // Few addresses: AddressSanitizer writes down each byte that is not handed out.
  pages.reserve_bytes = std::size_t{16} << 20U;
  trace::memory_figures const held =
      trace::simulate(of, {.pages = pages, .first_class = of.settings().first_class, .epoch = epoch, .threads = 3})
          .memory;
  require(held.reserved_bytes == held.handed_out_bytes + held.tail_waste_bytes + held.room_bytes + held.skipped_bytes +
                                     held.oversize_slack_bytes,
          "the sum of what the arenas held");
  require(held.handed_out_bytes <= held.reserved_bytes, "what the arenas handed out");
}

}  // namespace

void play(trace::trace const& of) {
  walk(of);
  simulate(of, {}, std::chrono::seconds{1});
  try {
    simulate(of, of.settings().pages, of.settings().epoch);
  } catch (std::invalid_argument const&) {
    // settings that no pool can have are refused by name, by the pool
  }
}

}  // namespace mayfly::test
