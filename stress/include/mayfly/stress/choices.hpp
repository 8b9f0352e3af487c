#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mayfly::stress {

/// A stream of numbers that is the same for the same start, on every machine (splitmix64).
class number_stream {
 public:
  explicit constexpr number_stream(std::uint64_t start) noexcept : state_(start) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return z ^ (z >> 31U);
  }
  /// From `least` to `most`, both included.
  constexpr std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
    return least + next() % (most - least + 1);
  }
  constexpr bool one_in(std::uint64_t n) noexcept { return next() % n == 0; }

 private:
  std::uint64_t state_;
};

/// One number made of two, so that neither can be guessed from neighbours of it.
[[nodiscard]] constexpr std::uint64_t mix_numbers(std::uint64_t a, std::uint64_t b) noexcept {
  return number_stream(number_stream(a).next() ^ b).next();
}

/// What a request does.
enum class request_kind : std::uint8_t {
  small,      ///< some allocations in one page
  large,      ///< hundreds of allocations in many pages, and a growing vector
  oversize,   ///< blocks of their own, up to 3 MiB; some grown, some given back early
  parallel,   ///< parallel_for, at times within another, allocating in every lane
  tasks,      ///< task_group
  nested,     ///< scopes within the request's
  held,       ///< lives on after its handler, until another thread lets it go
  throwing,   ///< its handler throws something, at times with nested work running
  cancelled,  ///< cancelled by id from another thread, or by its stop source
  expiring,   ///< with a deadline that passes
  detached,   ///< spawns tasks that nobody waits for
  timers,     ///< sets timers, cancels some
  plugin,     ///< a handler of the user's
};
inline constexpr std::size_t kind_count = 13;
[[nodiscard]] std::string_view to_string(request_kind kind) noexcept;

/// What is done to requests beside what they are made to do.
enum class fault : std::uint8_t {
  pages,   ///< a page budget and byte budgets so low that memory is refused; trims in between
  cancel,  ///< any request may be cancelled, and now and then all that live are
  throws,  ///< any handler may throw between two of its steps
  slow,    ///< handlers overrun their deadline, or do not look whether they should stop
  // Nothing that a request chooses: done by threads beside them, so that choices are the same with them and without.
  epochs,  ///< a thread ends the pool's epochs all the time: idle pages go back, sleeping threads' magazines are taken
  budget,  ///< a thread moves the page budget, below what is held too
};
inline constexpr std::size_t fault_count = 6;
[[nodiscard]] std::string_view to_string(fault which) noexcept;

/// Which faults are injected.
struct fault_set {
  std::array<bool, fault_count> on{};

  [[nodiscard]] bool has(fault which) const noexcept { return on[static_cast<std::size_t>(which)]; }
  /// "pages,cancel", "none". Nothing where a word is none of these, and then `wrong` is that word.
  [[nodiscard]] static std::optional<fault_set> parse(std::string_view text, std::string& wrong);
  [[nodiscard]] std::string text() const;
};

/// How often each kind of request comes, as weights.
struct request_mix {
  std::array<std::uint32_t, kind_count> weights{};
  std::string said;  ///< as the user wrote it

  /// "default", "plugin" or "small=10,held=1". Nothing where that makes no sense, and then `wrong` says why.
  [[nodiscard]] static std::optional<request_mix> parse(std::string_view text, std::string& wrong);
  [[nodiscard]] std::uint32_t of(request_kind kind) const noexcept { return weights[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::uint64_t total() const noexcept;
};

/// What is thrown.
enum class thrown_thing : std::uint8_t { nothing, runtime_error, number, text, out_of_budget };

/// Where in its handler a request throws.
enum class throwing_place : std::uint8_t { between_steps, in_parallel_for, beside_tasks };

/// Everything that is decided about one request before it is submitted. The same for the same seed, number and plan.
struct choice {
  std::uint64_t number = 0;
  std::uint64_t key = 0;  ///< what its bytes are made from; its answer too
  request_kind kind = request_kind::small;
  std::uint8_t priority = 1;         ///< of mayfly::priority
  std::uint32_t plugin_handler = 0;  ///< which of the handlers loaded
  thrown_thing throws = thrown_thing::nothing;
  throwing_place throws_at = throwing_place::between_steps;
  bool throw_is_fault = false;    ///< not of its kind, but injected
  bool cancel_by_id = false;      ///< from another thread
  bool cancel_by_source = false;  ///< through its std::stop_source
  bool cancel_is_fault = false;
  bool storm = false;  ///< everything alive is cancelled when it has been submitted
  bool hold = false;
  bool trim = false;                ///< idle pages are taken from every thread when it has been submitted
  bool overrun = false;             ///< goes on after its deadline, without looking
  std::uint32_t deadline_us = 0;    ///< 0: none; 1: passed when it is submitted
  std::uint32_t request_bytes = 0;  ///< 0: no budget
  std::uint32_t wait_us = 0;        ///< how long whoever cancels or lets go waits first

  friend bool operator==(choice const&, choice const&) = default;
};

/// What choices are made from.
struct choice_plan {
  std::uint64_t seed = 1;
  request_mix mix;
  fault_set faults;
  std::size_t plugin_handlers = 0;
};

[[nodiscard]] choice choose(choice_plan const& plan, std::uint64_t number) noexcept;

/// A number that stands for the whole choice: runs whose sums of these agree made the same choices.
[[nodiscard]] std::uint64_t digest(choice const& what) noexcept;

}  // namespace mayfly::stress
