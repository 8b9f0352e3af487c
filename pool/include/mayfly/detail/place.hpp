#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/detail/egress_check.hpp>
#include <mayfly/detail/job.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/detail/request_record.hpp>
#include <mayfly/scope_entry.hpp>
#include <mayfly/submit_options.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace mayfly::detail {

class executor_core;

// The executor's compiled half of a submission (submit.cpp).

/// Admission, scope, room for the job; a null record is a refusal.
[[nodiscard]] submission begin_request(executor_core& core, submit_options const& options, std::size_t job_bytes,
                                       std::size_t job_alignment);
/// Queues the job. Refused: the caller still has it, and must abandon_request().
[[nodiscard]] admission commit_request(executor_core& core, submission& taken, job_functions const* functions,
                                       submit_options const& options) noexcept;
/// Closes the scope of a submission that is not to be.
void abandon_request(executor_core& core, submission& taken) noexcept;
/// Counts a refusal, and tells the observer.
admission_reason refuse_request(executor_core& core, submit_options const& options, admission_reason reason) noexcept;
/// Reports, and does what the options say about an escape. True: the request is to be refused.
[[nodiscard]] bool stops(executor_core& core, escape_report const& report) noexcept;

/// Completions of ours that want to hear of a refusal.
template <class Completion>
concept HearsRefusal = requires(Completion& completion) { completion.refused(admission_reason::queue_full); };
template <class Completion>
concept HearsEscape = requires(Completion& completion, escape_report const& report) { completion.escaped(report); };

/// What the padding of a T holds that was made in zeroed storage, and then seen by clear_padding(). GCC copies member
/// by member what it does not copy as a block, and clears the padding of a block; Clang 19 joins members into blocks,
/// and has no way to clear what it copies along: whatever the stack held.
template <class T>
inline constexpr padding padding_of = [] {
#if defined(__GNUC__) && !defined(__clang__)
  return padding::cleared;
#else
  return std::has_unique_object_representations_v<T> ? padding::cleared : padding::unknown;
#endif
}();
template <class T>
void clear_padding([[maybe_unused]] T& object) noexcept {
#if defined(__GNUC__) && !defined(__clang__)
  if constexpr (std::is_trivially_copyable_v<T> && !std::is_empty_v<T>) __builtin_clear_padding(std::addressof(object));
#endif
}

/// Zeroes storage that an object is about to be made in. The compiler would leave it out, as a constructor ends what
/// was there before; it may not look past the assembler.
inline void zero(void* storage, std::size_t bytes) noexcept {
  std::memset(storage, 0, bytes);
  asm volatile("" : : "r"(storage) : "memory");  // NOLINT(hicpp-no-assembler)
}

/// No egress check: the job is the executor's own.
struct not_looked_at {
  static constexpr bool looks = false;
};

/// The route's characters are not copied.
[[nodiscard]] inline std::optional<escape_report> find_escape_of_route(escape_rule rule, submit_options const& options,
                                                                       scope const& caller) noexcept {
  char const* const route = options.route.data();
  return find_escape_in_bytes(rule, static_cast<void const*>(&route), sizeof route, caller, padding::cleared);
}

/// No closure is looked at (the caller waits for it, or it is the executor's own), but the route is: the executor keeps
/// it for as long as it lives, to learn what its requests take.
template <escape_rule Rule>
struct route_check {
  static constexpr bool looks = true;
  static constexpr bool zeroes = false;

  template <class Job>
  static std::optional<escape_report> find(Job&, submit_options const& options, scope const& caller) noexcept {
    if (MAYFLY_MUTANT("route-of-a-run-is-kept")) return std::nullopt;
    return find_escape_of_route(Rule, options, caller);
  }
};

/// The check of what submit() takes: the bytes of handler and completion, for addresses of the submitter's scope
/// (MF-E11). The storage was zeroed before the job was made, so what a member leaves unwritten shows nothing.
struct closure_check {
  static constexpr bool looks = true;
  static constexpr bool zeroes = true;

  template <class Job>
  static std::optional<escape_report> find(Job& made, submit_options const& options, scope const& caller) noexcept {
    clear_padding(made.handler);
    clear_padding(made.completion);
    if (auto found = find_in(made.handler, caller)) return found;
    if (auto found = find_in(made.completion, caller)) return found;
    return find_escape_of_route(escape_rule::closure_sent, options, caller);
  }

 private:
  template <class Part>
  static std::optional<escape_report> find_in(Part const& part, scope const& caller) noexcept {
    if constexpr (sizeof(Part) < sizeof(void*)) {
      return std::nullopt;
    } else {
      return find_escape_in_bytes(escape_rule::closure_sent, std::addressof(part), sizeof(Part), caller,
                                  padding_of<Part>);
    }
  }
};

/// What is left of a request that was refused at the queue: nothing, also when telling it so throws.
template <class Job>
struct undo_submission {
  executor_core& core;
  submission& taken;
  Job* made;
  ~undo_submission() {
    std::destroy_at(made);
    abandon_request(core, taken);
  }
};

/// Whether the job may not go; then it is gone, and its completion has heard why. Apart, so that a submission from
/// outside every scope does not carry it.
template <class Check, class Job>
[[gnu::noinline]] bool is_stopped(executor_core& core, submission& taken, Job* made, submit_options const& options,
                                  scope const& caller) {
  std::optional<escape_report> const found = Check::find(*made, options, caller);
  if (!found || !stops(core, *found)) return false;
  undo_submission<Job> const leaves_nothing{core, taken, made};
  refuse_request(core, options, admission_reason::escapes);
  if constexpr (HearsEscape<decltype(made->completion)>) made->completion.escaped(*found);
  return true;
}

/// Asks for one request to be run. Every request comes through here.
template <class Check, class Handler, class Completion>
admission place(executor_core& core, submit_options const& options, Handler&& handler, Completion&& completion) {
  using job = job<std::decay_t<Handler>, std::decay_t<Completion>>;
  submission taken = begin_request(core, options, sizeof(job), alignof(job));
  if (taken.record == nullptr) {
    if constexpr (HearsRefusal<std::decay_t<Completion>>) completion.refused(taken.refusal);
    return admission::refuse(taken.refusal);
  }
  scope const* const caller = Check::looks ? current_scope() : nullptr;
  job* made = nullptr;
  try {
    if constexpr (Check::looks) {
      if (Check::zeroes && caller != nullptr) zero(taken.storage, sizeof(job));
    }
    made = ::new (taken.storage) job(std::forward<Handler>(handler), std::forward<Completion>(completion));
  } catch (...) {
    abandon_request(core, taken);
    throw;
  }
  if constexpr (Check::looks) {
    if (caller != nullptr && is_stopped<Check>(core, taken, made, options, *caller)) {
      return admission::refuse(admission_reason::escapes);
    }
  }
  admission const answer = commit_request(core, taken, &job::functions, options);
  if (!answer) {
    undo_submission<job> const leaves_nothing{core, taken, made};
    if constexpr (HearsRefusal<std::decay_t<Completion>>) made->completion.refused(answer.reason());
  }
  return answer;
}

}  // namespace mayfly::detail
