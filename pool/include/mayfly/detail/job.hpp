#pragma once

#include <mayfly/detail/mutant.hpp>
#include <mayfly/outcome.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace mayfly {

class request_context;

namespace detail {

/// What a worker found when it took a request from the queue.
enum class start_verdict : std::uint8_t { go, cancelled, expired };

/// What the executor's compiled part does for a job while it runs (request_context.cpp).
struct job_hooks {
  /// After the handler: value, or cancelled or expired when the request was meanwhile.
  static outcome_kind verdict_at_end(request_context& context) noexcept;
  /// The completion begins.
  static void completing(request_context& context) noexcept;
  /// The completion threw.
  static void completion_failed(request_context& context, std::exception_ptr const& error) noexcept;
};

/// A request's code, with its type erased: all that the executor needs of a job<Handler, Completion>.
struct job_functions {
  /// Runs the handler (unless the verdict says no) and the completion, and destroys the job.
  outcome_kind (*run)(void* job, request_context& context, start_verdict verdict) noexcept;
  /// Destroys a job that was not accepted.
  void (*drop)(void* job) noexcept;
};

/// A completion of ours, which may take the result out of the outcome.
template <class Completion>
concept OwnsOutcome = requires { typename Completion::owns_outcome_tag; };

/// A handler and its completion, side by side.
template <class Handler, class Completion>
struct job {
  using result = std::invoke_result_t<Handler&, request_context&>;

  Handler handler;
  Completion completion;

  static outcome_kind run(void* self, request_context& context, start_verdict verdict) noexcept {
    job& mine = *static_cast<job*>(self);
    outcome_kind kind = outcome_kind::cancelled;
    {
      outcome<result> end = outcome_access::make<result>();
      mine.handle(end, context, verdict);
      job_hooks::completing(context);
      if (end.kind() != outcome_kind::exception || !MAYFLY_MUTANT("exception-skips-completion")) {
        mine.complete(end, context);
      }
      kind = end.kind();
    }  // the result goes before the job, which it may refer to
    std::destroy_at(&mine);
    return kind;
  }

  static void drop(void* self) noexcept { std::destroy_at(static_cast<job*>(self)); }

  static constexpr job_functions functions{&run, &drop};

 private:
  void handle(outcome<result>& end, request_context& context, start_verdict verdict) noexcept {
    if (verdict != start_verdict::go) {
      outcome_access::set_kind(end,
                               verdict == start_verdict::cancelled ? outcome_kind::cancelled : outcome_kind::expired);
      return;
    }
    try {
      outcome_access::set_value(end, [&]() -> result { return std::invoke(handler, context); });
    } catch (...) {
      outcome_access::set_error(end, std::current_exception());
    }
    outcome_kind const verdict_now = job_hooks::verdict_at_end(context);
    if (verdict_now != outcome_kind::value) outcome_access::set_kind(end, verdict_now);
  }

  void complete(outcome<result>& end, request_context& context) noexcept {
    try {
      if constexpr (OwnsOutcome<Completion>) {
        completion(end, context);
      } else {
        std::invoke(completion, std::as_const(end), context);
      }
    } catch (...) {
      job_hooks::completion_failed(context, std::current_exception());
    }
  }

 public:
  template <class H, class C>
  job(H&& h, C&& c) : handler(std::forward<H>(h)), completion(std::forward<C>(c)) {}
};

}  // namespace detail
}  // namespace mayfly
