#include "executor_core.hpp"
#include <mayfly/detached_coroutine.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/executor.hpp>

#include <memory>
#include <stdexcept>

namespace mayfly {
namespace detail {
namespace {

/// Where a coroutine that this thread has resumed leaves what it throws; null outside a turn.
constinit thread_local std::exception_ptr* thrown_here = nullptr;

}  // namespace

void coroutine_threw() noexcept {
  // One that somebody else has resumed, in an awaitable of their own, throws to nobody.
  if (thrown_here != nullptr) *thrown_here = std::current_exception();
}

void turn_handler::operator()(request_context&) {
  std::exception_ptr thrown;
  std::exception_ptr* const around = std::exchange(thrown_here, &thrown);
  {
    scope_exemption const outside;  // the frame outlives this request
    turn.release().resume();        // from here on the frame may be another worker's, or gone
  }
  thrown_here = around;
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace detail

admission executor::spawn(submit_options const& options, detached_coroutine work) {
  if (!work.begins_) throw std::logic_error("a detached_coroutine is spawned once; this one has been moved from");
  if (work.escape_ && detail::stops(*core_, *work.escape_)) {
    return admission::refuse(detail::refuse_request(*core_, options, admission_reason::escapes));
  }
  return detail::place<detail::route_check<escape_rule::argument_sent>>(
      *core_, options, detail::turn_handler{std::move(work.begins_)}, detail::nobody_waits{});
}

// The frame, in which this object lies, is the turn's from its making on: refused, it goes there, and accepted it may
// have gone before place() returns. Nothing of it is touched after that, and nothing may be thrown into it.

void resume_on::await_suspend(std::coroutine_handle<> frame) noexcept {
  detail::executor_core& core = *pool_.core_;
  submit_options const options = std::move(options_);
  detail::turn_handler next{detail::coroutine_turn{frame}};
  try {
    static_cast<void>(detail::place<detail::not_looked_at>(core, options, std::move(next), detail::nobody_waits{}));
  } catch (...) {  // no memory: the coroutine ends with `next`
  }
}

void resume_after::await_suspend(std::coroutine_handle<> frame) noexcept {
  detail::executor_core& core = *pool_.core_;
  submit_options const options = std::move(options_);
  std::chrono::nanoseconds const delay = delay_;
  detail::turn_handler next{detail::coroutine_turn{frame}};
  try {
    auto timer = std::make_unique<detail::timed_task<detail::turn_handler>>(options, std::move(next));
    static_cast<void>(detail::arm_timer(core, delay, std::move(timer)));
  } catch (...) {  // no memory, or no thread: as above
    if (MAYFLY_MUTANT("failed-turn-keeps-its-frame")) static_cast<void>(next.turn.release());
  }
}

}  // namespace mayfly
