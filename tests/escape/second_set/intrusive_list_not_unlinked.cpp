// pattern: a handler links its record into the list of what runs, and throws before it takes it out again
// way out: intrusive list
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <new>
#include <stdexcept>

namespace intrusive_list_not_unlinked {

struct link {
  link* previous = this;
  link* next = this;

  void insert_before(link& place) {
    previous = place.previous;
    next = &place;
    previous->next = this;
    next->previous = this;
  }
  void unlink() {
    previous->next = next;
    next->previous = previous;
  }
};
struct running : link {
  int user = 0;
};
static link all_running;

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  static_cast<void>(pool.run({.route = "leak"}, [](mayfly::request_context& request) {
    auto* const self = ::new (request.arena().allocate(sizeof(running), alignof(running))) running;
    self->user = 42;
    self->insert_before(all_running);
    if (self->user != 0) throw std::runtime_error{"no such user"};
    self->unlink();
  }));
  escape::next_request(pool);
  running mine;
  escape::about_to_touch();
  mine.insert_before(all_running);
  mine.unlink();
}

}  // namespace intrusive_list_not_unlinked
