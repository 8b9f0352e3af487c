// legal: a thread_local cache keeps copies of what requests have seen

#include "program.hpp"

#include <string>
#include <vector>

namespace worker_cache_of_copies {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const use = [](mayfly::request_context& request) {
    thread_local std::vector<std::string> seen;
    seen.emplace_back(request.arena().copy(escape::long_text));
    return seen.size();
  };
  escape::require(pool.submit("cache", use).get() == 1, "one text");
  escape::require(pool.submit("cache", use).get() == 2 || pool.workers() > 1, "two texts");
}

}  // namespace worker_cache_of_copies
