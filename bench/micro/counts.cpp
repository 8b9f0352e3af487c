// What our own hot paths take in instructions, for the gate: run under valgrind with two numbers of requests, so that
// the start of the process cancels (scripts/bench --gate does).
//
//   bench_counts --work allocate --contender mayfly --requests 60
//
// allocate, allocate_pmr, scope, ref_get, ref_pin, egress_64: request() of the contenders that allocators.cpp and
// handles.cpp time. submit: an empty request, submitted by its predecessor's completion on the only worker of an
// executor, so that one thread does all of it and never sleeps, and the count depends on nobody's turn.

#include "handles.hpp"
#include "ours.hpp"
#include <mayfly/executor.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

template <typename Way>
void repeat(std::int64_t requests) {
  Way way;
  for (std::int64_t i = 0; i < requests; ++i) way.request();
}

/// A chain of empty requests. The main thread sleeps until its end.
class chain {
 public:
  chain(std::int64_t requests, bool statistics)
      : left_{requests},
        pool_{{.workers = 1, .max_in_flight = 64, .idle_spin = {}, .statistics = statistics, .trim_interval = {}}} {}

  void run() {
    submit();
    over_.acquire();
    if (refused_) throw std::runtime_error{"a request was refused"};
  }

 private:
  void submit() {
    auto const admitted = pool_.try_submit(
        {.route = "empty"}, [](mayfly::request_context&) { return true; },
        [this](mayfly::outcome<bool> const&, mayfly::request_context&) {
          if (--left_ > 0) return submit();
          over_.release();
        });
    if (admitted) return;
    refused_ = true;
    over_.release();
  }

  std::int64_t left_;  // the worker's
  bool refused_ = false;
  std::binary_semaphore over_{0};
  mayfly::executor pool_;  // last: its worker uses the others
};

template <bool Statistics>
void submit(std::int64_t requests) {
  chain{requests, Statistics}.run();
}

struct contender {
  std::string_view work;
  std::string_view name;
  void (*run)(std::int64_t);
};

constexpr std::array all{
    contender{"allocate", "mayfly", &repeat<contest::allocate_in_arena<0>>},
    contender{"allocate", "mayfly_64k", &repeat<contest::allocate_in_arena<1>>},
    contender{"allocate_pmr", "mayfly", &repeat<contest::allocate_through_arena>},
    contender{"allocate_pmr", "mayfly_scope", &repeat<contest::allocate_through_scope>},
    contender{"scope", "mayfly", &repeat<contest::scope_of_one>},
    contender{"scope", "arena_alone", &repeat<contest::arena_of_one>},
    contender{"ref_get", "mayfly", &repeat<contest::by_ref>},
    contender{"ref_pin", "mayfly", &repeat<contest::by_pin>},
    contender{"egress_64", "mayfly", &repeat<contest::scan_of_64>},
    contender{"submit", "mayfly", &submit<true>},
    contender{"submit", "mayfly_bare", &submit<false>},
};

void run(std::string_view work, std::string_view name, std::int64_t requests) {
  for (contender const& each : all) {
    if (each.work == work && each.name == name) return each.run(requests);
  }
  throw std::invalid_argument{"there is no contender " + std::string{name} + " of a work " + std::string{work}};
}

}  // namespace

int main(int count, char** arguments) {
  try {
    std::map<std::string_view, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) given[arguments[i]] = arguments[i + 1];
    run(given["--work"], given["--contender"], std::stoll(given["--requests"]));
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench_counts: %s\n", error.what());
    return 1;
  }
}
