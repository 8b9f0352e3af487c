// How throughput grows with workers (scripts/bench --scaling):
//
//   bench_scaling --work scaling --contender mayfly|threads --workers N --allocations N --seconds S
//
// A request makes so many allocations of 32 bytes, writes them and reads them back. Four a worker are in flight, and
// the completion of each submits the next: no worker is ever without work, and no submitting thread takes a core.
// `threads` does the same on threads that share nothing; what they lose to linear, the machine loses.

#include <mayfly/executor.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory_resource>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t bytes = 32;
constexpr std::size_t in_flight_a_worker = 4;

/// A request that is followed by another, all its life. Its figures are written by whoever runs it, one at a time.
struct alignas(128) chain {
  // Relaxed throughout: a figure that orders nothing.
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> wrong{0};

  void note(bool right) {
    done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (!right) wrong.store(wrong.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

/// The work of one request: true when it reads back what it wrote.
bool one_request(std::pmr::memory_resource& memory, std::size_t allocations) {
  std::pmr::vector<unsigned char*> blocks{&memory};
  blocks.reserve(allocations);
  for (std::size_t i = 0; i < allocations; ++i) {
    auto* const block = static_cast<unsigned char*>(memory.allocate(bytes, 16));
    std::memset(block, static_cast<int>(i & 0x7fU), bytes);
    blocks.push_back(block);
  }
  std::uint64_t sum = 0;
  std::uint64_t wanted = 0;
  for (std::size_t i = 0; i < allocations; ++i) {
    for (unsigned char const byte : std::span{blocks[i], bytes}) sum += byte;
    wanted += bytes * (i & 0x7fU);
  }
  return sum == wanted;
}

struct measured {
  double ns = 0;  // a request, all workers together
  bool right = true;
};

std::uint64_t done_by(std::span<chain const> chains) {
  return std::accumulate(chains.begin(), chains.end(), std::uint64_t{0}, [](std::uint64_t sum, chain const& each) {
    return sum + each.done.load(std::memory_order_relaxed);
  });
}

/// Looks on while others work: a fifth of the time to get warm, then what is done in the rest.
double watch(std::span<chain const> chains, double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(0.2 * seconds));
  auto const done_before = done_by(chains);
  auto const began = steady::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  auto const done = done_by(chains) - done_before;
  std::chrono::duration<double, std::nano> const took = steady::now() - began;
  return done == 0 ? 0 : took.count() / static_cast<double>(done);
}

measured result_of(double ns, std::span<chain const> chains) {
  bool right = ns > 0;
  for (chain const& each : chains) right = right && each.wrong.load(std::memory_order_relaxed) == 0;
  return {ns, right};
}

class on_executor {
 public:
  on_executor(std::size_t workers, std::size_t allocations)
      : chains_(in_flight_a_worker * workers),
        allocations_{allocations},
        pool_{{.workers = workers, .max_in_flight = 4 * chains_.size(), .max_queued = 4 * chains_.size()}} {}

  measured run(double seconds) {
    for (chain& each : chains_) submit_next(each);
    double const ns = watch(chains_, seconds);
    stopped_.store(true, std::memory_order_relaxed);  // they only have to see it soon
    static_cast<void>(pool_.drain(std::chrono::seconds{10}, std::chrono::seconds{10}));
    measured result = result_of(ns, chains_);
    result.right = result.right && refused_.load(std::memory_order_relaxed) == 0;  // drained: all are over
    return result;
  }

 private:
  void submit_next(chain& of) {
    auto const admitted = pool_.try_submit(
        {.route = "scaling"},
        [this](mayfly::request_context& request) { return one_request(*request.memory(), allocations_); },
        [this, &of](mayfly::outcome<bool> const& answer, mayfly::request_context&) {
          of.note(answer.value());
          if (!stopped_.load(std::memory_order_relaxed)) submit_next(of);  // until it is seen
        });
    // Relaxed: read when all is over. While the executor drains it takes nothing more, as it should.
    if (!admitted && admitted.reason() != mayfly::admission_reason::draining) {
      refused_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  std::vector<chain> chains_;
  std::size_t allocations_;
  alignas(128) std::atomic<bool> stopped_{false};
  std::atomic<std::uint64_t> refused_{0};
  mayfly::executor pool_;
};

measured on_threads(std::size_t workers, std::size_t allocations, double seconds) {
  std::vector<chain> chains(workers);
  std::atomic<bool> stopped{false};
  double ns = 0;
  {
    std::vector<std::jthread> threads;
    for (chain& each : chains) {
      threads.emplace_back([&stopped, &each, allocations] {
        std::vector<std::byte> buffer((bytes + sizeof(void*)) * allocations + 4096);
        while (!stopped.load(std::memory_order_relaxed)) {  // only has to be seen soon
          std::pmr::monotonic_buffer_resource memory{buffer.data(), buffer.size()};
          each.note(one_request(memory, allocations));
        }
      });
    }
    ns = watch(chains, seconds);
    stopped.store(true, std::memory_order_relaxed);  // only has to be seen soon
  }
  return result_of(ns, chains);
}

double number(std::map<std::string_view, std::string_view> const& given, std::string_view name) {
  auto const found = given.find(name);
  if (found == given.end()) throw std::invalid_argument{std::string{name} + " is missing"};
  double value = 0;
  auto const [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  if (error != std::errc{} || end != found->second.data() + found->second.size() || !(value > 0) || value > 1e9) {
    throw std::invalid_argument{std::string{name} + ": a number above 0, not " + std::string{found->second}};
  }
  return value;
}

int run(std::span<char* const> arguments) {
  std::map<std::string_view, std::string_view> given;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) given[arguments[i]] = arguments[i + 1];
  auto const workers = static_cast<std::size_t>(number(given, "--workers"));
  auto const allocations = static_cast<std::size_t>(number(given, "--allocations"));
  double const seconds = number(given, "--seconds");
  std::string const contender{given["--contender"]};

  measured result;
  if (contender == "mayfly") {
    result = on_executor{workers, allocations}.run(seconds);
  } else if (contender == "threads") {
    result = on_threads(workers, allocations, seconds);
  } else {
    throw std::invalid_argument{"--contender: mayfly or threads, not " + contender};
  }
  if (!result.right) throw std::runtime_error{"a request read back what it had not written, was refused, or never ran"};
  std::printf(R"({"work": "scaling", "contender": "%s", "unit": "ns", "value": %.3f})"
              "\n",
              contender.c_str(), result.ns);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(std::span{arguments + 1, static_cast<std::size_t>(count - 1)});
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_scaling: %s\n", error.what());
    return 1;
  }
}
