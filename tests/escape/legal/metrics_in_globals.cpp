// legal: requests count themselves in globals: counters, a histogram of bytes, a table by route

#include "program.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace metrics_in_globals {

static std::atomic<std::uint64_t> requests{0};
static std::array<std::atomic<std::uint64_t>, 33> by_size{};
static std::mutex routes_mutex;
static std::map<std::string, std::uint64_t, std::less<>> bytes_by_route;

static void count(std::string_view route, std::size_t bytes) {
  requests.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
  by_size[std::bit_width(bytes)].fetch_add(1, std::memory_order_relaxed);
  std::scoped_lock const lock{routes_mutex};
  auto const found = bytes_by_route.find(route);
  if (found != bytes_by_route.end()) {
    found->second += bytes;
  } else {
    bytes_by_route.emplace(route, bytes);
  }
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  for (std::size_t const size : {100U, 3'000U, 40'000U}) {
    pool.run({.route = "metrics"},
             [size](mayfly::request_context& request) {
               auto const work = request.arena().make_span<char>(size);
               work.back() = 'x';
               count(request.arena().copy(request.route()), work.size());
             })
        .value();
  }
  escape::next_request(pool);
  escape::require(requests == 3 && by_size[std::bit_width(3'000U)] == 1, "three requests of three sizes");
  escape::require(bytes_by_route.at("metrics") == 43'100, "the bytes of the route");
}

}  // namespace metrics_in_globals
