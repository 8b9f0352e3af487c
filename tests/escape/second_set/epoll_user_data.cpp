// pattern: a connection's state lies in the arena, and epoll is given its address to give back with each event
// way out: the kernel
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <new>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace epoll_user_data {

struct connection {
  int descriptor = -1;
  unsigned events = 0;
  char peer[48] = "192.0.2.1:443";
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  int const poller = ::epoll_create1(EPOLL_CLOEXEC);
  int const socket = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pool.run({.route = "accept"},
           [poller, socket](mayfly::request_context& request) {
             auto* const accepted = ::new (request.arena().allocate(sizeof(connection), alignof(connection)))
                 connection{.descriptor = socket};
             epoll_event interest{};
             interest.events = EPOLLIN;
             interest.data.ptr = accepted;
             ::epoll_ctl(poller, EPOLL_CTL_ADD, socket, &interest);
           })
      .value();
  escape::next_request(pool);
  ::eventfd_write(socket, 1);
  epoll_event event{};
  escape::require(::epoll_wait(poller, &event, 1, -1) == 1, "there is an event");
  escape::about_to_touch();
  ++static_cast<connection*>(event.data.ptr)->events;
  ::close(socket);
  ::close(poller);
}

}  // namespace epoll_user_data
