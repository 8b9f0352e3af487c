// How long a request waits for a worker when there was nothing to do, and what waiting workers cost:
//
//   bench_wakeup --work wakeup|wakeup_soon|idle --contender NAME --seconds S
//
// One request at a time, 2 workers. wakeup: a millisecond after the one before, when every worker sleeps; wakeup_soon:
// 10 us after it, when a worker that looks for work for a while still does. The figure is the median from submission to
// the handler's first line, in us; "p99" is there too, of 1,000 requests or more: null where half as much time again is
// not enough for so many. idle: processor time of the process while nothing is submitted, in per cent of a core; over
// 3.2 s at least, in which mayfly's trimmer, with a second between its rounds, has to wake: "wakes" says how often a
// thread of the process other than the main one did. Contenders: mayfly, mayfly_no_spin (idle_spin = 0), enqueue, asio,
// deque.

#include "executors.hpp"
#include <mayfly/executor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace {

using steady = std::chrono::steady_clock;
using microseconds = std::chrono::duration<double, std::micro>;

constexpr std::size_t worker_count = 2;
constexpr auto long_gap = std::chrono::milliseconds{1};
constexpr auto short_gap = std::chrono::microseconds{10};
constexpr std::size_t least_for_p99 = 1000;
constexpr std::size_t least_for_median = 10;
constexpr double least_idle_seconds = 3.2;  // three rounds of the trimmer
constexpr long least_trims = 2;             // one may lie at the start

/// A request on its way: written by the worker that runs it, then read by the submitter.
struct arrival {
  std::atomic<bool> here{false};
  steady::time_point at;

  void note() {
    at = steady::now();
    here.store(true, std::memory_order_release);  // sync arrival: release; pairs with await(); publishes the time
  }

  steady::time_point await() {
    while (!here.load(std::memory_order_acquire)) {  // sync arrival: acquire; pairs with note()
      __builtin_ia32_pause();
    }
    here.store(false, std::memory_order_relaxed);  // the worker's next store is ordered by the next submission
    return at;
  }
};

template <class Executor>
class peer {
 public:
  static constexpr bool trims = false;  // has a thread that wakes by itself
  peer() : pool_{worker_count} {}
  void submit(arrival& of) {
    pool_.post([&of] { of.note(); });
  }

 private:
  Executor pool_;
};

enum class waiting { as_by_default, without_spin };

template <waiting How>
class ours {
 public:
  static constexpr bool trims = true;
  ours() : pool_{options()} {}
  void submit(arrival& of) {
    auto const admitted = pool_.try_submit(
        {.route = "wakeup"}, [&of](mayfly::request_context&) { of.note(); },
        [](mayfly::outcome<void> const&, mayfly::request_context&) {});
    if (!admitted) throw std::runtime_error{"refused: " + std::string{to_string(admitted.reason())}};
  }

 private:
  static mayfly::executor_options options() {
    mayfly::executor_options chosen{.workers = worker_count};
    if constexpr (How == waiting::without_spin) chosen.idle_spin = {};
    return chosen;
  }

  mayfly::executor pool_;
};

struct figures {
  double value = 0;
  std::optional<double> p99 = {};
  long wakes = 0;
};

double quantile(std::vector<double>& of, double part) {
  auto const at = of.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(of.size() - 1));
  std::nth_element(of.begin(), at, of.end());
  return *at;
}

template <class Contender>
figures wake_up(bool soon, double seconds) {
  Contender contender;
  arrival one;
  std::vector<double> waited;
  auto const began = steady::now();
  auto const warm = began + std::chrono::duration<double>(0.2 * seconds);
  auto const end = began + std::chrono::duration<double>(1.2 * seconds);
  auto const last = began + std::chrono::duration<double>(1.7 * seconds);
  for (auto now = began; now < end || (waited.size() < least_for_p99 && now < last); now = steady::now()) {
    if (soon) {
      for (auto const until = steady::now() + short_gap; steady::now() < until;) __builtin_ia32_pause();
    } else {
      std::this_thread::sleep_for(long_gap);
    }
    auto const submitted = steady::now();
    contender.submit(one);
    auto const arrived = one.await();
    if (submitted > warm) waited.push_back(microseconds{arrived - submitted}.count());
  }
  if (waited.size() < least_for_median) throw std::runtime_error{"fewer than 10 requests in that time"};
  figures found{.value = quantile(waited, 0.5)};
  if (waited.size() >= least_for_p99) found.p99 = quantile(waited, 0.99);
  return found;
}

/// Of all threads of the process: processor time, and how often one went to sleep (and so was woken).
struct used_so_far {
  double seconds;
  long sleeps;
};

used_so_far used_by_all() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto const in_seconds = [](timeval const& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {in_seconds(used.ru_utime) + in_seconds(used.ru_stime), used.ru_nvcsw};
}

template <class Contender>
figures idle(double seconds) {
  Contender contender;
  arrival one;
  contender.submit(one);
  one.await();
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  double const measured = std::max(seconds, least_idle_seconds);
  used_so_far const before = used_by_all();
  std::this_thread::sleep_for(std::chrono::duration<double>(measured));
  used_so_far const after = used_by_all();
  long const wakes = after.sleeps - before.sleeps - 1;  // the main thread's own
  if (Contender::trims && wakes < least_trims) throw std::runtime_error{"the trimmer did not wake in that time"};
  return {.value = 100 * (after.seconds - before.seconds) / measured, .wakes = wakes};
}

template <class Contender>
figures measure(std::string_view work, double seconds) {
  if (work == "idle") return idle<Contender>(seconds);
  if (work != "wakeup" && work != "wakeup_soon") throw std::invalid_argument{"no work of that name"};
  return wake_up<Contender>(work == "wakeup_soon", seconds);
}

figures run(std::string_view work, std::string_view contender, double seconds) {
  if (contender == "mayfly") return measure<ours<waiting::as_by_default>>(work, seconds);
  if (contender == "mayfly_no_spin") return measure<ours<waiting::without_spin>>(work, seconds);
  if (contender == "enqueue") return measure<peer<bench::tbb_enqueue>>(work, seconds);
  if (contender == "asio") return measure<peer<bench::asio_pool>>(work, seconds);
  if (contender == "deque") return measure<peer<bench::deque_pool>>(work, seconds);
  throw std::invalid_argument{"no contender of that name"};
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::map<std::string_view, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
    std::string const work = given["--work"];
    figures const found = run(work, given["--contender"], std::stod(given["--seconds"]));
    std::string const p99 = found.p99 ? std::to_string(*found.p99) : "null";
    std::printf(R"({"work": "%s", "contender": "%s", "unit": "%s", "value": %.4f, "p99": %s, "wakes": %ld})"
                "\n",
                work.c_str(), given["--contender"].c_str(), work == "idle" ? "% of a core" : "us", found.value,
                p99.c_str(), found.wakes);
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_wakeup: %s\n", error.what());
    return 1;
  }
}
