// pattern: a reload builds its rules in its own request's memory and publishes a snapshot with a span of them
// way out: atomic shared pointer to a configuration
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <atomic>
#include <memory>
#include <span>

namespace atomic_snapshot_of_spans {

struct rule {
  int port = 0;
  int requests_a_second = 0;
};
struct configuration {
  unsigned version = 0;
  std::span<rule const> rules;
};
static std::atomic<std::shared_ptr<configuration const>> current;

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "reload"},
           [](mayfly::request_context& request) {
             auto const rules = request.arena().make_span<rule>(16);
             for (int i = 0; rule & each : rules) each = {.port = 8'000 + i++, .requests_a_second = 50};
             current.store(std::make_shared<configuration const>(configuration{.version = 2, .rules = rules}));
           })
      .value();
  escape::next_request(pool);
  auto const seen = current.load();
  escape::touch(seen->rules.data(), seen->rules.size_bytes());
}

}  // namespace atomic_snapshot_of_spans
