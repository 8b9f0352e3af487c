// pattern: a flight recorder in shared memory keeps names by their address, as if all of them were literals
// way out: shared mapping
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <cstdint>
#include <string_view>

#include <sys/mman.h>

namespace trace_ring_in_shared_memory {

struct event {
  std::uint64_t number = 0;
  char const* name = nullptr;
  std::size_t length = 0;
};
class recorder {
 public:
  recorder()
      : events_{
            static_cast<event*>(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))} {
    escape::require(events_ != MAP_FAILED, "there is memory");
  }
  ~recorder() { ::munmap(events_, bytes); }
  recorder(recorder const&) = delete;
  recorder& operator=(recorder const&) = delete;

  void record(std::string_view name) {
    events_[number_ % (bytes / sizeof(event))] = {.number = number_, .name = name.data(), .length = name.size()};
    ++number_;
  }
  void dump() const {
    for (std::uint64_t i = 0; i < number_; ++i) escape::touch(events_[i].name, events_[i].length);
  }

 private:
  static constexpr std::size_t bytes = 64 << 10;
  event* events_;
  std::uint64_t number_ = 0;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  recorder trace;
  pool.run({.route = "leak"},
           [&trace](mayfly::request_context& request) { trace.record(request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  trace.dump();
}

}  // namespace trace_ring_in_shared_memory
