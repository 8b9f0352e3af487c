// What a value costs a request, in instructions: run under valgrind with two numbers of requests, so that the start of
// the process cancels (scripts/bench does). One thread, warm: pages and slots are recycled.
//
//   bench_shapes --work flat_native --contender mayfly --requests 2000 [--values 1]
//
// See README.md for what is counted and why.

#include "shapes.hpp"

#include "boundary.hpp"
#include <mayfly/page_pool.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace shapes;

struct run {
  std::int64_t requests = 1000;
  std::int64_t values = 1;  // that each request makes, and has at the same time
};

struct requests_of_one_thread {
  mayfly::page_pool pool;
  mayfly::scope_registry registry{pool, {.capacity = 16}};

  /// One request: opened, entered, closed; with the time given, as an executor does, which has just read the clock.
  template <class Body>
  void serve(Body&& body) {
    mayfly::scope* const request =
        registry.open({.route = "shape", .opened = mayfly::scope_clock::time_point{} + std::chrono::seconds{1}});
    {
      mayfly::scope_entry const entered{*request, request->main_arena()};
      body(*request);
    }
    request->close();
  }
};

/// The list of a request's values: room for as many as there will be, on the heap for both contenders, from request to
/// request the same. Not a vector: what asking it for room costs at each value has nothing to do with memory's kind.
template <class Shape, class Memory>
class values_of {
 public:
  explicit values_of(run const& asked) : count_{asked.values} {
    room_ = std::allocator<value>{}.allocate(static_cast<std::size_t>(count_));
  }
  values_of(values_of const&) = delete;
  values_of& operator=(values_of const&) = delete;
  ~values_of() { std::allocator<value>{}.deallocate(room_, static_cast<std::size_t>(count_)); }

  /// Makes a request's values, reads each as whoever has got it would, and drops them.
  std::int64_t make_and_read(Memory& memory, std::int64_t n) {
    if (count_ == 1) {
      auto const one = Shape::build(memory, opaque(n));
      seen(&one);
      return Shape::read(one);
    }
    for (std::int64_t i = 0; i < count_; ++i) ::new (room_ + i) value(Shape::build(memory, opaque(n + i)));
    seen(room_);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count_; ++i) sum += Shape::read(room_[i]);
    std::destroy_n(room_, count_);
    return sum;
  }

 private:
  using value = decltype(Shape::build(std::declval<Memory&>(), std::int64_t{}));

  std::int64_t count_;
  value* room_ = nullptr;
};

template <class Shape>
std::int64_t in_requests_arena(run const& asked) {
  requests_of_one_thread service;
  values_of<Shape, in_arena> values{asked};
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < asked.requests; ++n) {
    service.serve([&](mayfly::scope& request) {
      in_arena memory{request.arena()};
      sum += values.make_and_read(memory, n);
    });
  }
  return sum;
}

template <class Shape>
std::int64_t on_the_heap(run const& asked) {
  requests_of_one_thread service;
  values_of<Shape, on_heap> values{asked};
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < asked.requests; ++n) {
    service.serve([&](mayfly::scope&) {
      on_heap memory;
      sum += values.make_and_read(memory, n);
    });
  }
  return sum;
}

/// A heap without requests around it: what is left when nobody needs an id, a deadline, or a stop flag.
template <class Shape>
std::int64_t on_a_bare_heap(run const& asked) {
  values_of<Shape, on_heap> values{asked};
  std::int64_t sum = 0;
  on_heap memory;
  for (std::int64_t n = 0; n < asked.requests; ++n) sum += values.make_and_read(memory, n);
  return sum;
}

/// An arena without a request around it.
template <class Shape>
std::int64_t in_a_bare_arena(run const& asked) {
  mayfly::page_pool pool;
  values_of<Shape, in_arena> values{asked};
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < asked.requests; ++n) {
    mayfly::arena arena{pool};
    in_arena memory{arena};
    sum += values.make_and_read(memory, n);
  }
  return sum;
}

std::int64_t nothing(run const& asked) {
  requests_of_one_thread service;
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < asked.requests; ++n) {
    service.serve([&](mayfly::scope&) { sum += opaque(n); });
  }
  return sum;
}

/// The answer is there, in a request that goes on: nothing but the boundary is counted.
template <class Shape, bool CopyFirst>
std::int64_t boundary(run const& asked) {
  requests_of_one_thread service;
  std::int64_t sum = 0;
  service.serve([&](mayfly::scope& request) {
    auto const* const answer = Shape::build(request.arena(), request.memory(), 200);
    response to;
    for (std::int64_t n = 0; n < asked.requests; ++n) {
      seen(answer);
      if constexpr (CopyFirst) {
        auto const copy = Shape::copy(answer);
        Shape::serialise(copy, to);
      } else {
        Shape::serialise(answer, to);
      }
      seen(&to);
      sum += static_cast<std::int64_t>(to.text().size());
    }
  });
  return sum;
}

struct contender {
  std::string_view work;
  std::string_view name;
  std::int64_t (*run)(struct run const&);
};

template <class Shape>
std::array<contender, 4> contenders(std::string_view work) {
  return {{{work, "mayfly", &in_requests_arena<Shape>},
           {work, "heap", &on_the_heap<Shape>},
           {work, "bare_arena", &in_a_bare_arena<Shape>},
           {work, "bare_heap", &on_a_bare_heap<Shape>}}};
}

std::vector<contender> all_contenders() {
  std::vector<contender> all{{"boundary_native", "mayfly", &boundary<boundary_native, false>},
                             {"boundary_native", "heap", &boundary<boundary_native, true>},
                             {"boundary_json", "mayfly", &boundary<boundary_json, false>},
                             {"boundary_json", "heap", &boundary<boundary_json, true>},
                             {"empty", "mayfly", &nothing}};
  for (auto const& some : {contenders<flat_native>("flat_native"), contenders<flat_json>("flat_json"),
                           contenders<branch_native>("branch_native"), contenders<branch_json>("branch_json"),
                           contenders<deep_native>("deep_native"), contenders<deep_json>("deep_json"),
                           contenders<deep_json_copied>("deep_json_copied")}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

[[noreturn]] void refuse(std::string const& why) {
  std::fprintf(stderr, "bench_shapes: %s\n", why.c_str());
  std::exit(2);
}

std::int64_t number(std::string_view option, std::string_view text) {
  std::int64_t value = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || value < 1) {
    refuse(std::string{option} + " takes a number from 1, not " + std::string{text});
  }
  return value;
}

/// What the sum must be: each contender of a work reads the same values.
std::int64_t expected(std::string_view work, run const& asked, std::vector<contender> const& all) {
  for (auto const& each : all) {
    if (each.work == work && each.name != "mayfly") return each.run(asked);
  }
  return asked.requests * (asked.requests - 1) / 2;  // "empty"
}

}  // namespace

int main(int count, char** arguments) {
  run asked;
  std::string_view work;
  std::string_view name;
  bool checks = false;
  std::span const words(arguments, static_cast<std::size_t>(count));
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string_view const option = words[i];
    if (option == "--check") {
      checks = true;
      continue;
    }
    if (i + 1 == words.size()) refuse(std::string{option} + " needs a value");
    std::string_view const value = words[++i];
    if (option == "--work") {
      work = value;
    } else if (option == "--contender") {
      name = value;
    } else if (option == "--requests") {
      asked.requests = number(option, value);
    } else if (option == "--values") {
      asked.values = number(option, value);
    } else {
      refuse("there is no option " + std::string{option});
    }
  }
  auto const all = all_contenders();
  for (auto const& each : all) {
    if (each.work != work || each.name != name) continue;
    std::int64_t const sum = each.run(asked);
    if (checks && sum != expected(work, asked, all)) refuse("the values read are not those made");
    std::printf("{\"work\":\"%s\",\"contender\":\"%s\",\"sum\":%lld}\n", each.work.data(), each.name.data(),
                static_cast<long long>(sum));
    return 0;
  }
  refuse("there is no contender " + std::string{name} + " of a work " + std::string{work});
}
