// pattern: the log's context of a request is kept for its thread and not taken away; the thread's next one logs with it
// way out: pthread_setspecific
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <new>

#include <pthread.h>

namespace pthread_log_context {

struct log_context {
  unsigned request = 0;
  char user[60] = "somebody";
};
static void log_line(pthread_key_t key) {
  void const* const context = ::pthread_getspecific(key);
  escape::require(context != nullptr, "the worker has a context");
  escape::touch(context, sizeof(log_context));
}
ESCAPE_PROGRAM {
  pthread_key_t key{};
  escape::require(::pthread_key_create(&key, nullptr) == 0, "there is a key");
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [key](mayfly::request_context& request) {
             void* const memory = request.arena().allocate(sizeof(log_context), alignof(log_context));
             ::pthread_setspecific(key, ::new (memory) log_context{.request = 1});
           })
      .value();
  escape::next_request(pool);
  pool.run({.route = "next"}, [key](mayfly::request_context&) { log_line(key); }).value();
}

}  // namespace pthread_log_context
