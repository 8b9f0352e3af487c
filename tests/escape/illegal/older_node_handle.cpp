// pattern: a node extracted from a pmr map is kept by something older
// way out: older container, node handle
// types: -
// egress: -
// tripwire: MF-E21
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <map>
#include <memory>
#include <vector>

namespace older_node_handle {

using table = std::pmr::map<int, int>;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::vector<table::node_type> kept;
  pool.run({.route = "leak"},
           [&kept](mayfly::request_context& request) {
             table made{{{1, 10}, {2, 20}}, request.memory()};
             kept.push_back(made.extract(1));
             kept.push_back(made.extract(2));
           })
      .value();
  escape::next_request(pool);
  kept.erase(kept.begin());
  escape::touch(&kept.back().key(), sizeof(int));
}

}  // namespace older_node_handle
