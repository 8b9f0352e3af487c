// A request with a deadline, nested parallelism, and a completion that reads the answer where it lies.
#include <mayfly/executor.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <span>
#include <string>

using namespace std::chrono_literals;

int main() {
  mayfly::executor pool{{.workers = 2}};

  auto const admitted = pool.try_submit(
      {.route = "sum", .deadline = 10s, .priority = mayfly::priority::high},
      [](mayfly::request_context& request) {
        std::span<double> const parts = request.arena().make_span<double>(1'000);
        request.parallel_for(0, parts.size(), [&](std::size_t i) { parts[i] = std::floor(std::sqrt(double(i))); });
        return parts;  // a view of the arena: it may not leave the request, but the completion is inside it
      },
      [](mayfly::outcome<std::span<double>> const& parts, mayfly::request_context& request) {
        if (!parts) return;
        std::printf("%.*s: %.0f\n", static_cast<int>(request.route().size()), request.route().data(),
                    std::accumulate(parts->begin(), parts->end(), 0.0));
      });
  if (!admitted) {
    std::fprintf(stderr, "refused: %s\n", std::string(to_string(admitted.reason())).c_str());
    return 1;
  }

  auto const report = pool.drain(5s, 1s);  // soft limit, then cancel, then hard limit
  std::puts(report.to_string().c_str());
  return report.complete() ? 0 : 1;
}
