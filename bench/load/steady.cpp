// What a warm request asks of heap and kernel, 2 workers busy all the time:
//
//   bench_steady --work steady --contender NAME --seconds S
//
// The request of 100 allocations of 32 bytes (request.hpp), 16 in flight; the completion of each submits the next, so
// that no worker is idle. Counted, on all threads but the main one, which sleeps meanwhile: calls of malloc and its kin
// ("value"; operator new ends there), page faults ("faults": getrusage, minor and major, all threads) and system calls
// ("calls": all but futex and clock_nanosleep, which are "sleeps": a worker that finds nothing to do, or is woken). All
// a request. The warm stretch has five parts, and the page faults are those of the part with the fewest: the kernel
// takes some itself now and then when it moves pages about, but a request that takes one does so in all parts.
//
// Then the same with a request that besides calls malloc once, takes a page fault, and makes two system calls: whoever
// does not count that has counted nothing, and the program fails. The figures are there as "planted_...".
//
// Contenders: mayfly; enqueue, asio, deque (executors.hpp), with malloc. 77 where seccomp is not let to notify.

#include "chains.hpp"
#include "counted_heap.hpp"
#include "executors.hpp"
#include "request.hpp"
#include "syscall_counter.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

namespace calls = bench::system_calls;

constexpr std::size_t worker_count = 2;
constexpr std::size_t in_flight = 16;
constexpr int parts = 5;
constexpr std::uint64_t least_requests = 500;
constexpr int not_here = 77;  // scripts/bench: what is missing is no failure

/// One call of malloc, one page fault, two system calls.
void do_what_no_warm_request_does() {
  constexpr std::size_t page_bytes = 4096;
  thread_local auto* const page = static_cast<char volatile*>(
      mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  static_cast<void>(syscall(__NR_getppid));
  madvise(const_cast<char*>(page), page_bytes, MADV_DONTNEED);
  page[0] = 1;
  void* volatile block = std::malloc(1);
  std::free(block);
}

struct request {
  std::atomic<bool> planted{false};

  bool on_heap() const { return plant() && bench::request_on_heap(bench::most_allocations); }
  bool in(mayfly::arena& memory) const { return plant() && bench::request_in(memory, bench::most_allocations); }
  bool plant() const {
    if (planted.load(std::memory_order_relaxed)) do_what_no_warm_request_does();  // only has to be seen soon
    return true;
  }
};

/// Of one stretch, a request.
struct figures {
  double mallocs = 0;
  double faults = 0;
  double calls = 0;
  double sleeps = 0;
};

double page_faults() {
  rusage now{};
  getrusage(RUSAGE_SELF, &now);
  return static_cast<double>(now.ru_minflt + now.ru_majflt);
}

/// Looks on for so long, and until so many requests have run.
template <class Chains>
figures watch(Chains const& running, double seconds) {
  namespace heap = mayfly::test;
  heap::heap_calls = heap::heap_frees = 0;
  calls::others = calls::sleeps_and_wakes = 0;
  double const faults_before = page_faults();
  std::uint64_t const done_before = running.done();
  heap::counting_heap_calls = calls::counting = true;
  std::uint64_t done = 0;
  do {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    done = running.done() - done_before;
  } while (done < least_requests);
  heap::counting_heap_calls = calls::counting = false;
  double const faults = page_faults() - faults_before;
  auto const a_request = [&](auto count) { return static_cast<double>(count) / static_cast<double>(done); };
  return {a_request(heap::heap_calls - heap::heap_frees), a_request(faults), a_request(calls::others.load()),
          a_request(calls::sleeps_and_wakes.load())};
}

struct results {
  figures warm;
  figures planted;
};

template <class Pool>
results measure(double seconds) {
  request what;
  Pool pool{worker_count, in_flight};
  bench::chains running{pool, what};
  running.start(in_flight);
  watch(running, 0.2 * seconds);  // to get warm
  results all;
  for (int part = 0; part < parts; ++part) {
    figures const here = watch(running, seconds / parts);
    all.warm.faults = part == 0 ? here.faults : std::min(all.warm.faults, here.faults);
    all.warm.mallocs += here.mallocs / parts;
    all.warm.calls += here.calls / parts;
    all.warm.sleeps += here.sleeps / parts;
  }
  what.planted = true;
  watch(running, 0.01 * seconds);
  all.planted = watch(running, 0.1 * seconds);
  what.planted = false;
  running.stop();
  constexpr double nearly = 0.9;  // those at the ends of the stretch may lie half in it
  if (all.planted.mallocs < nearly || all.planted.faults < nearly || all.planted.calls < 2 * nearly) {
    throw std::runtime_error{"what was planted in each request has not been counted"};
  }
  return all;
}

results run(std::string_view work, std::string_view contender, double seconds) {
  if (work != "steady") throw std::invalid_argument{"no work of that name"};
  if (contender == "mayfly") return measure<bench::links_on_mayfly>(seconds);
  if (contender == "enqueue") return measure<bench::links_on<bench::tbb_enqueue>>(seconds);
  if (contender == "asio") return measure<bench::links_on<bench::asio_pool>>(seconds);
  if (contender == "deque") return measure<bench::links_on<bench::deque_pool>>(seconds);
  throw std::invalid_argument{"no contender of that name"};
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::map<std::string_view, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
    double const seconds = std::stod(given["--seconds"]);
    if (int const error = calls::watch(); error != 0) {
      std::fprintf(stderr, "a kernel that lets seccomp notify: %s\n", std::strerror(error));
      return not_here;
    }
    results const all = run(given["--work"], given["--contender"], seconds);
    std::printf(R"({"work": "%s", "contender": "%s", "unit": "a request", "value": %.6g, "faults": %.6g, )"
                R"("calls": %.6g, "sleeps": %.6g, "planted_mallocs": %.3g, "planted_faults": %.3g, )"
                R"("planted_calls": %.3g})"
                "\n",
                given["--work"].c_str(), given["--contender"].c_str(), all.warm.mallocs, all.warm.faults,
                all.warm.calls, all.warm.sleeps, all.planted.mallocs, all.planted.faults, all.planted.calls);
    std::fflush(stdout);
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_steady: %s\n", error.what());
    return 1;
  }
}
