#include "nested.hpp"
#include "onetbb_group.hpp"
#include <mayfly/task_group.hpp>

#include <tbb/task_group.h>

#include <new>
#include <optional>
#include <utility>

namespace mayfly {

struct task_group::state {
  explicit state(request_context& of) noexcept : request(of), watch(of) {}

  request_context& request;
  detail::stop_watch watch;
  std::optional<detail::nested_region> region;  // from the first task to the wait
  // Isolated: where a loop or group around this one ends early, wait() would come back with tasks not run.
  tbb::task_group_context context{tbb::task_group_context::isolated,
                                  tbb::task_group_context::default_traits | tbb::task_group_context::concurrent_wait};
  detail::onetbb_group group{context};
};

namespace {

/// What oneTBB keeps of a task: destroys the closure, run or not.
class task_body {
 public:
  task_body(task_group::state& of, detail::task_closure closure) noexcept : of_(&of), closure_(closure) {}
  task_body(task_body&& other) noexcept : of_(other.of_), closure_(std::exchange(other.closure_, {})) {}
  task_body& operator=(task_body&&) = delete;
  ~task_body() {
    if (closure_.object != nullptr) closure_.destroy(closure_.object);
  }

  void operator()() const {
    if (of_->watch.stops()) {
      of_->group.cancel();
      return;
    }
    detail::nested_entry const here(of_->request.scope());
    closure_.run(closure_.object);
  }

 private:
  task_group::state* of_;
  detail::task_closure closure_;
};

}  // namespace

task_group::task_group(request_context& request) {
  static_assert(sizeof(state) <= state_bytes && alignof(state) <= 64);
  state_ = ::new (static_cast<void*>(storage_)) state(request);
}

task_group::~task_group() {
  if (state_->region) {
    cancel();
    try {
      state_->group.wait();
    } catch (...) {  // nobody asked for it any more: the handler is on its way out
    }
  }
  std::destroy_at(state_);
}

void* task_group::allocate(std::size_t bytes, std::size_t alignment) {
  return state_->request.arena().allocate(bytes, alignment);
}

void task_group::spawn(detail::task_closure closure) {
  task_body body(*state_, closure);
  detail::nested_help& help = detail::context_access::core(state_->request).help();
  if (!state_->region) {
    state_->region.emplace(help, 1);
  } else {
    help.wake_one();
  }
  state_->group.run(std::move(body));
}

void task_group::wait() {
  struct end_region {
    state& of;
    ~end_region() {
      of.region.reset();
      of.watch.forget();
    }
  };
  {
    end_region const at_end{*state_};
    state_->group.wait();
    state_->watch.throw_if_cut();
  }
}

void task_group::cancel() noexcept { state_->group.cancel(); }

}  // namespace mayfly
