// How the cost of a request grows with how many there are at once, to see that nowhere it jumps:
//
//   bench_crowds --work in_flight|workers --contender mayfly|enqueue|asio --seconds S
//
//   in_flight  1 to 100,000 requests in flight on 2 workers; a request of 10 allocations of 32 bytes
//   workers    1 to 64 workers, more than there are cores, 4 requests in flight each; of 100 allocations
//
// A request allocates, writes and reads back (request.hpp); its completion submits the next (chains.hpp). `series` are
// the points, wall time over requests in ns, each the best of several passes over all of them, in each of which it has
// a pool of its own. `value` is this run's worst step: how many times what its left neighbour costs a point costs. The
// table has the worst step of all runs' medians.

#include "chains.hpp"
#include "executors.hpp"
#include "request.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

constexpr int least_passes = 3;
constexpr std::chrono::milliseconds slice{4};  // of a point in a pass: short, so that some are not preempted
constexpr std::size_t in_flight_a_worker = 4;

struct request {
  std::size_t allocations;

  bool on_heap() const { return bench::request_on_heap(allocations); }
  bool in(mayfly::arena& memory) const { return bench::request_in(memory, allocations); }
};

struct point {
  std::size_t x;
  std::size_t workers;
  std::size_t in_flight;
  request what;
  double best_ns = std::numeric_limits<double>::max();
};

std::vector<point> points_of(std::string_view work) {
  std::vector<point> points;
  if (work == "in_flight") {
    for (std::size_t const n : {1U, 3U, 10U, 30U, 100U, 300U, 1'000U, 3'000U, 10'000U, 30'000U, 100'000U}) {
      points.push_back({n, 2, n, {10}});
    }
  } else if (work == "workers") {
    for (std::size_t const n : {1U, 2U, 3U, 4U, 6U, 8U, 12U, 16U, 24U, 32U, 48U, 64U}) {
      points.push_back({n, n, n * in_flight_a_worker, {100}});
    }
  } else {
    throw std::invalid_argument{"no work of that name"};
  }
  return points;
}

/// Nanoseconds a request: warm when each that is in flight at first has run twice. For so long, and so many requests
/// that each has run twice more.
template <class Pool>
double measure(point const& at) {
  Pool pool{at.workers, at.in_flight};
  bench::chains running{pool, at.what};
  running.start(at.in_flight);
  auto const until = [&running](std::uint64_t done, steady::time_point time) {
    std::this_thread::sleep_until(time);
    while (running.done() < done) std::this_thread::sleep_for(std::chrono::microseconds{100});
  };
  until(2 * at.in_flight, steady::now() + slice / 4);
  std::uint64_t const done_before = running.done();
  auto const began = steady::now();
  until(done_before + 2 * at.in_flight, began + slice);
  std::uint64_t const done = running.done() - done_before;
  std::chrono::duration<double, std::nano> const took = steady::now() - began;
  running.stop();
  return took.count() / static_cast<double>(done);
}

template <class Pool>
void measure_all(std::vector<point>& points, double seconds) {
  auto const end = steady::now() + std::chrono::duration<double>{seconds};
  for (int pass = 0; pass < least_passes || steady::now() < end; ++pass) {
    for (point& each : points) each.best_ns = std::min(each.best_ns, measure<Pool>(each));
  }
}

void run(std::string_view contender, std::vector<point>& points, double seconds) {
  if (contender == "mayfly") return measure_all<bench::links_on_mayfly>(points, seconds);
  if (contender == "enqueue") return measure_all<bench::links_on<bench::tbb_enqueue>>(points, seconds);
  if (contender == "asio") return measure_all<bench::links_on<bench::asio_pool>>(points, seconds);
  throw std::invalid_argument{"no contender of that name"};
}

double worst_step(std::vector<point> const& points) {
  double worst = 0;
  for (std::size_t i = 1; i < points.size(); ++i) worst = std::max(worst, points[i].best_ns / points[i - 1].best_ns);
  return worst;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::map<std::string_view, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
    std::vector<point> points = points_of(given["--work"]);
    run(given["--contender"], points, std::stod(given["--seconds"]));
    std::printf(R"({"work": "%s", "contender": "%s", "unit": "x", "value": %.3f, "series": [)", given["--work"].c_str(),
                given["--contender"].c_str(), worst_step(points));
    for (std::size_t i = 0; i < points.size(); ++i) {
      std::printf("%s[%zu, %.4g]", i == 0 ? "" : ", ", points[i].x, points[i].best_ns);
    }
    std::puts("]}");
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_crowds: %s\n", error.what());
    return 1;
  }
}
