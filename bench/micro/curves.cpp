// How the cost of memory grows with the work, to see that nowhere it jumps. One JSON object on the last line:
//
//   bench_curves --work growth --contender mayfly --seconds 0.5
//
//   growth   requests of 10 to 1,000,000 allocations of 32 bytes: ns an allocation
//   sizes    requests of one allocation of 1 KiB to 2 MiB: ns a KiB. On the way lie the ends of all page classes, and
//            the size from which an allocation has a block of its own.
//   edges    the same with nothing written but 32 bytes: ns a request, so the allocation alone
//
// A request opens an arena, allocates, writes all it got (not in edges), and closes. `series` are the points, each the
// best of several passes over all of them; `value` is this run's worst step: how many times what its left neighbour
// costs a point costs. The table has the worst step of all runs' medians.

#include <mayfly/arena.hpp>
#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t small = 32;

using clock_type = std::chrono::steady_clock;

struct point {
  std::size_t allocations;
  std::size_t bytes;    // each
  std::size_t written;  // of each
  double units;         // by which the cost is divided
  double x;
  double best_ns = std::numeric_limits<double>::max();
};

void write(void* memory, std::size_t bytes) {
  std::memset(memory, 1, bytes);
  asm volatile("" : : "r"(memory) : "memory");
}

struct with_mayfly {
  mayfly::page_pool pool;

  void request(point const& p) {
    mayfly::arena memory{pool};
    for (std::size_t i = 0; i < p.allocations; ++i) write(memory.allocate(p.bytes), p.written);
  }
};

struct with_pmr {
  static void request(point const& p) {
    std::pmr::monotonic_buffer_resource memory;
    for (std::size_t i = 0; i < p.allocations; ++i) write(memory.allocate(p.bytes, alignof(void*)), p.written);
  }
};

std::vector<point> growth() {
  std::vector<point> points;
  for (std::size_t const n : {10U, 30U, 100U, 300U, 1'000U, 3'000U, 10'000U, 30'000U, 100'000U, 300'000U, 1'000'000U}) {
    points.push_back({n, small, small, static_cast<double>(n), static_cast<double>(n)});
  }
  return points;
}

/// Four steps to the doubling, and each page class's size and a quarter of the largest, with one more byte.
std::vector<point> sizes(bool written) {
  constexpr std::size_t kib = 1024;
  std::vector<std::size_t> all;
  for (std::size_t doubling = kib; doubling <= 1024 * kib; doubling *= 2) {
    for (std::size_t quarter = 4; quarter < 8; ++quarter) all.push_back(doubling * quarter / 4);
  }
  for (std::size_t const edge : {15 * kib, 16 * kib, 63 * kib, 64 * kib, 256 * kib}) {
    all.insert(all.end(), {edge, edge + 1});
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<point> points;
  for (std::size_t const bytes : all) {
    double const in_kib = static_cast<double>(bytes) / kib;
    points.push_back({1, bytes, written ? bytes : small, written ? in_kib : 1, in_kib});
  }
  return points;
}

/// One pass: each point as often as takes about `slice`.
template <typename Way>
void measure(Way& way, std::vector<point>& points, std::chrono::nanoseconds slice) {
  for (point& p : points) {
    std::size_t repeats = 0;
    auto const start = clock_type::now();
    auto end = start;
    for (std::size_t batch = 1; end - start < slice; batch *= 2) {
      for (std::size_t i = 0; i < batch; ++i) way.request(p);
      repeats += batch;
      end = clock_type::now();
    }
    std::chrono::duration<double, std::nano> const taken = end - start;
    p.best_ns = std::min(p.best_ns, taken.count() / static_cast<double>(repeats) / p.units);
  }
}

template <typename Way>
void measure_for(double seconds, std::vector<point>& points) {
  constexpr int passes = 7;  // after one to warm up
  auto const slice = std::chrono::nanoseconds{
      static_cast<std::int64_t>(seconds * 1e9 / (passes + 1) / static_cast<double>(points.size()))};
  Way way;
  measure(way, points, slice);
  for (point& p : points) p.best_ns = std::numeric_limits<double>::max();
  for (int pass = 0; pass < passes; ++pass) measure(way, points, slice);
}

double worst_step(std::vector<point> const& points) {
  double worst = 0;
  for (std::size_t i = 1; i < points.size(); ++i) worst = std::max(worst, points[i].best_ns / points[i - 1].best_ns);
  return worst;
}

int usage() {
  std::fputs("usage: bench_curves --work growth|sizes|edges --contender mayfly|pmr --seconds S\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view work;
  std::string_view contender;
  double seconds = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view const option = argv[i];
    if (option == "--work") work = argv[i + 1];
    if (option == "--contender") contender = argv[i + 1];
    if (option == "--seconds") seconds = std::atof(argv[i + 1]);
  }
  if ((work != "growth" && work != "sizes" && work != "edges") || (contender != "mayfly" && contender != "pmr") ||
      seconds <= 0) {
    return usage();
  }
  std::vector<point> points = work == "growth" ? growth() : sizes(work == "sizes");
  if (contender == "mayfly") {
    measure_for<with_mayfly>(seconds, points);
  } else {
    measure_for<with_pmr>(seconds, points);
  }
  std::printf(R"({"work": "%s", "contender": "%s", "unit": "x", "value": %.3f, "series": [)", std::string{work}.c_str(),
              std::string{contender}.c_str(), worst_step(points));
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::printf("%s[%.6g, %.4g]", i == 0 ? "" : ", ", points[i].x, points[i].best_ns);
  }
  std::puts("]}");
  return 0;
}
