// What it costs to submit a request and to run it, 2 workers busy all the time:
//
//   bench_submit --work submit_1|submit_2|hundred --contender NAME --seconds S
//
// submit_1, submit_2: an empty request, by one and by two submitters. hundred: by one, a request of 100 allocations of
// 32 bytes, each written, read back and freed; on mayfly in the request's arena, elsewhere by malloc, which LD_PRELOAD
// chooses. Each submitter has at most 256 requests in flight and yields where that is so. Contenders: mayfly,
// mayfly_bare (without statistics), enqueue, task_group, asio, async, deque.

#include "executors.hpp"
#include <mayfly/executor.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t worker_count = 2;
constexpr std::uint64_t window = 256;
constexpr std::size_t bytes = 32;
constexpr std::size_t allocations = 100;

/// A submitter's requests. Relaxed throughout: figures that order nothing; what they are compared with was read by the
/// same thread, or after all threads were joined.
struct alignas(128) submitter {
  std::atomic<std::uint64_t> done{0};        // workers
  std::atomic<std::uint64_t> wrong{0};       // workers, never
  alignas(128) std::uint64_t submitted = 0;  // the submitter

  bool full() const { return submitted - done.load(std::memory_order_relaxed) >= window; }
  void note(bool right) {
    if (!right) wrong.fetch_add(1, std::memory_order_relaxed);
    done.fetch_add(1, std::memory_order_relaxed);
  }
};

/// Writes and reads back; true when it is what it was.
template <class Allocate, class Free>
bool hundred(Allocate allocate, Free free) {
  std::array<unsigned char*, allocations> blocks{};
  for (std::size_t i = 0; i < allocations; ++i) {
    blocks[i] = static_cast<unsigned char*>(allocate(bytes));
    std::memset(blocks[i], static_cast<int>(i), bytes);
  }
  std::size_t sum = 0;
  for (unsigned char* const block : blocks) {
    sum += std::size_t{block[0]} + block[bytes - 1];
    free(block);
  }
  return sum == allocations * (allocations - 1);
}

bool hundred_on_heap() {
  return hundred(
      [](std::size_t size) {
        void* const block = std::malloc(size);
        return block != nullptr ? block : throw std::bad_alloc{};
      },
      [](void* block) { std::free(block); });
}

bool hundred_in(mayfly::arena& memory) {
  return hundred([&](std::size_t size) { return memory.allocate(size); }, [](void*) {});
}

/// A peer, asked to run one request for a submitter.
template <class Executor>
class peer {
 public:
  explicit peer(bool allocates) : allocates_{allocates}, pool_{worker_count} {}

  void submit(submitter& by) {
    if (allocates_) {
      pool_.post([&by] { by.note(hundred_on_heap()); });
    } else {
      pool_.post([&by] { by.note(true); });
    }
  }

 private:
  bool allocates_;
  Executor pool_;
};

class ours {
 public:
  ours(bool allocates, bool statistics)
      : allocates_{allocates}, pool_{{.workers = worker_count, .max_queued = 4 * window, .statistics = statistics}} {}

  void submit(submitter& by) {
    auto const completion = [&by](mayfly::outcome<bool> const& answer, mayfly::request_context&) {
      by.note(answer.value());
    };
    auto const admitted =
        allocates_ ? pool_.try_submit(
                         {.route = "hundred"},
                         [](mayfly::request_context& request) { return hundred_in(request.arena()); }, completion)
                   : pool_.try_submit({.route = "empty"}, [](mayfly::request_context&) { return true; }, completion);
    if (!admitted) throw std::runtime_error{"refused: " + std::string{to_string(admitted.reason())}};
  }

 private:
  bool allocates_;
  mayfly::executor pool_;
};

/// Nanoseconds a request, from when all is warm.
template <class Contender, class... Arguments>
double measure(std::size_t submitter_count, double seconds, Arguments... arguments) {
  std::vector<submitter> submitters(submitter_count);
  std::atomic<bool> stopped{false};
  std::atomic<bool> failed{false};
  double ns = 0;
  {
    Contender contender{arguments...};
    std::vector<std::jthread> threads;
    for (submitter& each : submitters) {
      threads.emplace_back([&] {
        try {
          while (!stopped.load(std::memory_order_relaxed)) {  // only has to be seen soon
            if (each.full()) {
              std::this_thread::yield();
            } else {
              contender.submit(each);
              ++each.submitted;
            }
          }
          while (each.done.load(std::memory_order_relaxed) != each.submitted) std::this_thread::yield();
        } catch (std::exception const& error) {
          std::fprintf(stderr, "bench_submit: %s\n", error.what());
          failed.store(true, std::memory_order_relaxed);  // read after the join
        }
      });
    }
    auto const done = [&] {
      std::uint64_t sum = 0;
      for (submitter const& each : submitters) sum += each.done.load(std::memory_order_relaxed);
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
    if (each.wrong.load(std::memory_order_relaxed) != 0) throw std::runtime_error{"a request read back something else"};
  }
  if (failed.load(std::memory_order_relaxed) || ns == 0) throw std::runtime_error{"no request was run"};
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
