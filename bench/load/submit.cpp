// What it costs to submit a request and to run it, 2 workers busy all the time:
//
//   bench_submit --work submit_1|submit_2|hundred --contender NAME --seconds S
//
// submit_1, submit_2: an empty request, by one and by two submitters. hundred: by one, a request of 100 allocations of
// 32 bytes (request.hpp), each written, read back and freed; on mayfly in the request's arena, elsewhere by malloc,
// which LD_PRELOAD chooses. Each submitter has at most 256 requests in flight and yields where that is so. Contenders:
// mayfly, mayfly_bare (without statistics), enqueue, task_group, asio, async, deque.

#include "executors.hpp"
#include "request.hpp"
#include "tally.hpp"
#include <mayfly/executor.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t worker_count = 2;
constexpr std::uint64_t window = 256;
constexpr auto patience = std::chrono::seconds{30};

/// A submitter's requests. The workers count in lines of their own (tally.hpp), at which it looks only when as many are
/// in flight as it knows of and may be.
struct alignas(128) submitter {
  bench::tally counts;
  alignas(128) std::uint64_t submitted = 0;
  std::uint64_t seen = 0;  // of those, how many had run when it last looked

  bool full() {
    if (submitted - seen < window) return false;
    seen = counts.all_ran();
    return submitted - seen >= window;
  }
  void wait_for_all() {
    auto const end = steady::now() + patience;
    while (counts.all_ran() < submitted) {
      if (steady::now() > end) throw std::runtime_error{"not every submitted request has run"};
      std::this_thread::yield();
    }
  }
};

/// A peer, asked to run one request for a submitter.
template <class Executor>
class peer {
 public:
  peer(std::size_t submitters, bool allocates) : allocates_{allocates}, pool_{make(submitters)} {}

  template <class Loop>
  void submit_all(Loop loop) {
    if constexpr (requires { pool_.submit_all(loop); }) {
      pool_.submit_all(loop);
    } else {
      loop();
    }
  }

  void submit(submitter& by) {
    if (allocates_) {
      pool_.post([&by] { by.counts.ran(bench::request_on_heap(bench::most_allocations)); });
    } else {
      pool_.post([&by] { by.counts.ran(true); });
    }
  }

 private:
  static Executor make(std::size_t submitters) {
    if constexpr (std::constructible_from<Executor, std::size_t, std::size_t>) {
      return Executor(worker_count, submitters);
    } else {
      return Executor(worker_count);
    }
  }

  bool allocates_;
  Executor pool_;
};

class ours {
 public:
  ours(std::size_t, bool allocates, bool statistics)
      : allocates_{allocates}, pool_{{.workers = worker_count, .max_queued = 4 * window, .statistics = statistics}} {}

  template <class Loop>
  void submit_all(Loop loop) {
    loop();
  }

  void submit(submitter& by) {
    auto const completion = [&by](mayfly::outcome<bool> const& answer, mayfly::request_context&) {
      by.counts.ran(answer.value());
    };
    auto const admitted =
        allocates_ ? pool_.try_submit(
                         {.route = "hundred"},
                         [](mayfly::request_context& request) {
                           return bench::request_in(request.arena(), bench::most_allocations);
                         },
                         completion)
                   : pool_.try_submit({.route = "empty"}, [](mayfly::request_context&) { return true; }, completion);
    if (!admitted) throw std::runtime_error{"refused: " + std::string{to_string(admitted.reason())}};
  }

 private:
  bool allocates_;
  mayfly::executor pool_;
};

template <class Contender>
void submit_until(std::atomic<bool> const& stopped, Contender& contender, submitter& by) {
  while (!stopped.load(std::memory_order_relaxed)) {  // only has to be seen soon
    if (by.full()) {
      std::this_thread::yield();
    } else {
      contender.submit(by);
      ++by.submitted;
    }
  }
}

/// Nanoseconds a request, from when all is warm.
template <class Contender, class... Arguments>
double measure(std::size_t submitter_count, double seconds, Arguments... arguments) {
  std::vector<submitter> submitters(submitter_count);
  std::atomic<bool> stopped{false};
  std::atomic<bool> failed{false};
  double ns = 0;
  {
    Contender contender{submitter_count, arguments...};
    std::vector<std::jthread> threads;
    for (submitter& each : submitters) {
      threads.emplace_back([&] {
        try {
          contender.submit_all([&] { submit_until(stopped, contender, each); });
          each.wait_for_all();
        } catch (std::exception const& error) {
          std::fprintf(stderr, "bench_submit: %s\n", error.what());
          failed.store(true, std::memory_order_relaxed);  // read after the join
        }
      });
    }
    auto const done = [&] {
      std::uint64_t sum = 0;
      for (submitter const& each : submitters) sum += each.counts.all_ran();
      return sum;
    };
    std::this_thread::sleep_for(std::chrono::duration<double>(0.2 * seconds));
    auto const done_before = done();
    auto const began = steady::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    auto const done_since = done() - done_before;
    std::chrono::duration<double, std::nano> const took = steady::now() - began;
    stopped.store(true, std::memory_order_relaxed);  // only has to be seen soon
    ns = done_since == 0 ? 0 : took.count() / static_cast<double>(done_since);
  }
  for (submitter const& each : submitters) {
    if (each.counts.all_ran() != each.submitted)
      throw std::runtime_error{"other requests have run than were submitted"};
    if (each.counts.all_wrong() != 0) throw std::runtime_error{"a request read back something else"};
  }
  if (failed.load(std::memory_order_relaxed) || ns == 0) throw std::runtime_error{"no request was run, or not all"};
  return ns;
}

double run(std::string_view work, std::string_view contender, double seconds) {
  bool const allocates = work == "hundred";
  if (!allocates && work != "submit_1" && work != "submit_2") throw std::invalid_argument{"no work of that name"};
  std::size_t const submitters = work == "submit_2" ? 2 : 1;
  if (contender == "mayfly") return measure<ours>(submitters, seconds, allocates, true);
  if (contender == "mayfly_bare") return measure<ours>(submitters, seconds, allocates, false);
  if (contender == "enqueue") return measure<peer<bench::tbb_enqueue>>(submitters, seconds, allocates);
  if (contender == "task_group") return measure<peer<bench::tbb_task_group>>(submitters, seconds, allocates);
  if (contender == "asio") return measure<peer<bench::asio_pool>>(submitters, seconds, allocates);
  if (contender == "async") return measure<peer<bench::async_threads>>(submitters, seconds, allocates);
  if (contender == "deque") return measure<peer<bench::deque_pool>>(submitters, seconds, allocates);
  throw std::invalid_argument{"no contender of that name"};
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::map<std::string_view, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
    double const seconds = std::stod(given["--seconds"]);
    double const ns = run(given["--work"], given["--contender"], seconds);
    std::printf(R"({"work": "%s", "contender": "%s", "unit": "ns", "value": %.3f})"
                "\n",
                given["--work"].c_str(), given["--contender"].c_str(), ns);
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_submit: %s\n", error.what());
    return 1;
  }
}
