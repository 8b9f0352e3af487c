// Latency under an open load, and memory at saturation: real documents, parsed, canonicalised and serialised, 2
// workers.
//
//   bench_latency --work caniuse|caniuse_same --contender mayfly|enqueue --seconds S [--rate R] [--slice-us N]
//
// caniuse: first saturation, as many requests a second as it can, 64 in flight, for 0.4 S after 0.1 S to get warm; peak
// memory (VmHWM) is read then. Then, for S, 70 % of that rate, at points in time that a seeded Poisson process fixed
// beforehand. So each contender is asked for 70 % of what it can do itself. caniuse_same: R requests a second instead,
// after 0.1 S of saturation to get warm: one rate for all contenders (scripts/bench gives 70 % of what the slowest
// saturates at), which is what somebody sees who changes from one to the other.
//
// A latency counts from the point at which its request was to come, not from when the submitter got to it, nor from
// when it found room: a refused request is tried again until it is taken, as if the submitter had a queue without end,
// which is what `enqueue` has ("waited": how many were). The open load lasts longer where 10,000 requests, of which ten
// are beyond p99.9, take longer than S. The figure is p99.9 in us; "p50", "rate" (requests a second) and "rss_kib"
// stand beside it. `enqueue`: oneTBB's task_arena::enqueue, the same handler on the heap, by any malloc that is
// preloaded.
// --slice-us: the submitting thread asks for such a time slice, as mayfly's workers do for 100.

#include "executors.hpp"
#include "time_slice.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/json_resource.hpp>
#include <mayfly/service/handlers.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory_resource>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/prctl.h>

namespace {

namespace service = mayfly::service;
using steady = std::chrono::steady_clock;
using seconds_of = std::chrono::duration<double>;

constexpr std::size_t worker_count = 2;
constexpr std::uint64_t window = 64;
constexpr double load_part = 0.7;
constexpr std::size_t least_for_p999 = 10'000;
constexpr std::uint64_t seed = 7;
constexpr int not_here = 77;  // scripts/bench: what is missing is no failure
constexpr char const* documents_folder = "/usr/share/nodejs/caniuse-db/features-json";

std::vector<std::string> read_documents() {
  std::vector<std::string> documents;
  for (auto const& entry : std::filesystem::directory_iterator{documents_folder}) {
    std::ifstream file{entry.path(), std::ios::binary};
    documents.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  }
  if (documents.empty()) throw std::runtime_error{std::string{"no documents in "} + documents_folder};
  return documents;
}

/// One request, on whatever memory; its answer's bytes, 0 when it has none.
std::size_t answer_of(std::string_view text, service::request_memory const& memory) {
  static service::handler_settings const settings = [] {
    service::handler_settings made;
    made.kind = service::handler_kind::canonicalize;
    return made;
  }();
  service::answer_buffer answer{memory.bytes};
  service::request_error error;
  return service::handle_request(text, memory, settings, {}, answer, error) ? answer.str().size() : 0;
}

std::size_t answer_on_heap(std::string_view text) { return answer_of(text, {{}, std::pmr::new_delete_resource()}); }

/// What is done with a request, and where it is noted. Each field is written by the worker that runs it.
struct books {
  std::vector<std::string> const* documents;
  std::vector<std::size_t> wanted;  // bytes of each document's answer
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<steady::time_point> due;      // the open load's schedule; empty while it saturates
  std::vector<steady::duration> latencies;  // of each of them

  [[nodiscard]] std::string_view text(std::uint64_t number) const { return (*documents)[number % documents->size()]; }

  void note(std::uint64_t number, std::size_t answered) {
    if (answered != wanted[number % wanted.size()]) wrong.fetch_add(1, std::memory_order_relaxed);  // sync done, below
    if (!due.empty()) latencies[number] = steady::now() - due[number];
    done.fetch_add(1, std::memory_order_release);  // sync done: release; pairs with wait_for(); the notes are written
  }

  void wait_for(std::uint64_t count) const {
    // sync done: acquire; pairs with note()
    while (done.load(std::memory_order_acquire) < count) std::this_thread::sleep_for(std::chrono::microseconds{100});
  }
};

class on_mayfly {
 public:
  explicit on_mayfly(books& notes) : notes_{notes}, pool_{{.workers = worker_count, .max_in_flight = 1U << 13U}} {}

  /// Waits for room where there is none: a machine that stops for 140 ms fills what is bounded here.
  void submit(std::uint64_t number) {
    if (try_submit(number)) return;
    ++waited_;
    while (!try_submit(number)) std::this_thread::sleep_for(std::chrono::microseconds{50});
  }

  [[nodiscard]] std::uint64_t waited() const { return waited_; }

 private:
  bool try_submit(std::uint64_t number) {
    auto const admitted = pool_.try_submit(
        {.route = "canonicalize"},
        [this, number](mayfly::request_context& request) {
          return answer_of(notes_.text(number), {mayfly::json_storage(request.arena()), request.memory()});
        },
        [this, number](mayfly::outcome<std::size_t> const& answer, mayfly::request_context&) {
          notes_.note(number, answer.value());
        });
    if (!admitted && admitted.reason() != mayfly::admission_reason::queue_full) {
      throw std::runtime_error{"refused: " + std::string{to_string(admitted.reason())}};
    }
    return bool{admitted};
  }

  books& notes_;
  mayfly::executor pool_;
  std::uint64_t waited_ = 0;
};

class on_enqueue {
 public:
  explicit on_enqueue(books& notes) : notes_{notes}, pool_{worker_count} {}

  void submit(std::uint64_t number) {
    pool_.post([this, number] { notes_.note(number, answer_on_heap(notes_.text(number))); });
  }

  [[nodiscard]] static std::uint64_t waited() { return 0; }

 private:
  books& notes_;
  bench::tbb_enqueue pool_;
};

/// Requests a second, as many as it can.
template <class Contender>
double saturate(Contender& contender, books& notes, double seconds) {
  auto const began = steady::now();
  std::uint64_t submitted = 0;
  while (steady::now() - began < seconds_of{seconds}) {
    // relaxed: how many, and nothing that they wrote
    if (submitted - notes.done.load(std::memory_order_relaxed) < window) {
      contender.submit(submitted++);
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
  }
  notes.wait_for(submitted);
  return static_cast<double>(submitted) / seconds_of{steady::now() - began}.count();
}

/// Arrivals by a Poisson process. The submitter sleeps until each; where it comes late, all that are due go at once.
template <class Contender>
void open_load(Contender& contender, books& notes, double rate, double seconds) {
  std::mt19937_64 random{seed};
  std::exponential_distribution<double> gap{rate};
  auto const began = steady::now() + std::chrono::milliseconds{10};
  for (double at = gap(random); at < seconds || notes.due.size() < least_for_p999; at += gap(random)) {
    notes.due.push_back(began + std::chrono::duration_cast<steady::duration>(seconds_of{at}));
  }
  notes.latencies.resize(notes.due.size());
  notes.done.store(0, std::memory_order_relaxed);  // nobody works
  for (std::uint64_t number = 0; number < notes.due.size(); ++number) {
    if (notes.due[number] > steady::now()) std::this_thread::sleep_until(notes.due[number]);
    contender.submit(number);
  }
  notes.wait_for(notes.due.size());
}

double quantile_us(std::vector<steady::duration>& of, double part) {
  auto const at = of.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(of.size() - 1));
  std::nth_element(of.begin(), at, of.end());
  return std::chrono::duration<double, std::micro>{*at}.count();
}

double peak_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6));
  }
  throw std::runtime_error{"/proc/self/status has no VmHWM"};
}

template <class Contender>
void measure(std::map<std::string_view, std::string>& given) {
  double const seconds = std::stod(given["--seconds"]);
  bool const same_for_all = given["--work"] == "caniuse_same";
  auto const documents = read_documents();
  books notes;
  notes.documents = &documents;
  for (std::string const& each : documents) notes.wanted.push_back(answer_on_heap(each));
  double rate = 0;
  double rss = 0;
  std::uint64_t waited = 0;
  {
    Contender contender{notes};
    saturate(contender, notes, 0.1 * seconds);
    notes.done.store(0, std::memory_order_relaxed);  // nobody works
    rate = same_for_all ? std::stod(given["--rate"]) : saturate(contender, notes, 0.4 * seconds);
    rss = peak_kib();
    if (auto const slice = given.find("--slice-us"); slice != given.end()) {
      // Not before: oneTBB's threads are started by this one, and would have it too.
      mayfly::detail::ask_for_time_slice(std::chrono::microseconds{std::stol(slice->second)});
    }
    open_load(contender, notes, same_for_all ? rate : load_part * rate, seconds);
    waited = contender.waited();
  }
  // relaxed: all workers are joined
  if (notes.wrong.load(std::memory_order_relaxed) != 0) throw std::runtime_error{"an answer is not the expected one"};
  double const p50 = quantile_us(notes.latencies, 0.5);
  std::printf(R"({"work": "%s", "contender": "%s", "unit": "us", "value": %.1f, "p50": %.1f, "rate": %.0f, )"
              R"("rss_kib": %.0f, "waited": %llu, "requests": %zu})"
              "\n",
              given["--work"].c_str(), given["--contender"].c_str(), quantile_us(notes.latencies, 0.999), p50, rate,
              rss, static_cast<unsigned long long>(waited), notes.latencies.size());
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::map<std::string_view, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
    if (given["--work"] != "caniuse" && given["--work"] != "caniuse_same") {
      throw std::invalid_argument{"no work of that name"};
    }
    if (!std::filesystem::exists(documents_folder)) {
      std::fprintf(stderr, "there is no %s (node-caniuse-db)\n", documents_folder);
      return not_here;
    }
    prctl(PR_SET_TIMERSLACK, 1UL);  // else each sleep may last 50 us longer than asked for
    if (given["--contender"] == "mayfly") {
      measure<on_mayfly>(given);
    } else if (given["--contender"] == "enqueue") {
      measure<on_enqueue>(given);
    } else {
      throw std::invalid_argument{"no contender of that name"};
    }
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_latency: %s\n", error.what());
    return 1;
  }
}
