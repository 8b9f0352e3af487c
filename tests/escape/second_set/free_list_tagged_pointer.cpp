// pattern: a buffer from the arena is given to a lock-free free list, whose head has a counter in its upper bits
// way out: global, tagged pointer
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <atomic>
#include <cstdint>
#include <new>

namespace free_list_tagged_pointer {

struct buffer {
  buffer* next = nullptr;
  char bytes[512] = {};
};
class free_list {
 public:
  void push(buffer* given) {
    std::uint64_t head = head_.load();
    std::uint64_t wanted = 0;
    do {
      given->next = pointer(head);
      wanted = reinterpret_cast<std::uint64_t>(given) | (((head >> 48U) + 1) << 48U);
    } while (!head_.compare_exchange_weak(head, wanted));
  }
  buffer* pop() {
    std::uint64_t head = head_.load();
    while (pointer(head) != nullptr) {
      auto const next = reinterpret_cast<std::uint64_t>(pointer(head)->next);
      if (head_.compare_exchange_weak(head, next | (((head >> 48U) + 1) << 48U))) break;
    }
    return pointer(head);
  }

 private:
  static buffer* pointer(std::uint64_t word) {
    return reinterpret_cast<buffer*>(word & ((std::uint64_t{1} << 48U) - 1));  // NOLINT
  }
  std::atomic<std::uint64_t> head_{0};
};
static free_list buffers;

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             // The list was empty: one more, from where everything in a request comes from.
             buffer* used = buffers.pop();
             if (used == nullptr) used = ::new (request.arena().allocate(sizeof(buffer), alignof(buffer))) buffer;
             used->bytes[0] = 'a';
             buffers.push(used);
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  escape::require(buffers.pop() != nullptr, "there is a buffer");
}

}  // namespace free_list_tagged_pointer
