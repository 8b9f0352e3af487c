// pattern: a thread_local scratch vector was made on the first request's resource
// way out: thread_local, memory_resource
// types: -
// egress: -
// tripwire: MF-E22
// audit: MF-E42
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <vector>

namespace thread_local_cache {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const use = [](mayfly::request_context& request) {
    thread_local std::pmr::vector<int> scratch{request.memory()};  // right once on each worker
    scratch.insert(scratch.end(), 100, 7);
    escape::require(scratch.capacity() >= 100, "the scratch vector has room");
  };
  pool.submit("leak", use).get();
  pool.submit("leak", use).get();  // grows: asks a resource that is gone, then reads the old elements
}

}  // namespace thread_local_cache
