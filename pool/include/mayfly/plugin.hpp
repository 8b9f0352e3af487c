#pragma once

#include <mayfly/detail/poison.hpp>
#include <mayfly/request_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mayfly {

/// Where a handler puts its answer: in the request's memory, from where it is written out before that memory goes.
/// For the thread that the handler was called on.
class plugin_answer {
 public:
  /// More of the answer, copied behind what there is. `mayfly run` writes one line a request: no line feed, and not
  /// nothing. Throws what the request's memory throws.
  virtual void append(std::string_view text) = 0;

 protected:
  ~plugin_answer() = default;
};

/// What one call of a plugin's handler is for. Lives as long as the call.
struct plugin_call {
  request_context& request;  ///< memory, deadline, stop flag, nested work: as in any handler
  std::string_view input;    ///< the request's bytes, which live until the request has ended
  plugin_answer& answer;
  std::uint64_t seed;    ///< of the whole run, for mayfly-stress; 0 in `mayfly run`
  std::uint64_t number;  ///< of this request, from 0; with the seed it is all that a repeatable choice is made from
};

/// What a handler throws to refuse its request: an error with this text, about the byte `at` of the input, is the
/// answer.
class bad_request : public std::runtime_error {
 public:
  explicit bad_request(std::string const& why, std::size_t at = 0) : std::runtime_error(why), at_(at) {}
  [[nodiscard]] std::size_t at() const noexcept { return at_; }

 private:
  std::size_t at_;
};

/// The handlers that a shared object brings, by name. Programs differ in where requests come from and what becomes of
/// answers; the handlers are the same.
class plugin {
 public:
  using handler = std::function<void(plugin_call const&)>;
  /// Makes the input of request `number` where there is no other, for mayfly-stress: the same for the same two numbers.
  using input_maker = std::function<std::string(std::uint64_t seed, std::uint64_t number)>;

  /// Both are called on many threads at once. What `run` throws ends its own request. Names that a program knows
  /// already, and two the same, refuse the plugin. Without `input` a program that needs one makes a JSON text.
  void add_handler(std::string name, handler run, input_maker input = {}) {
    handlers_.push_back({std::move(name), std::move(run), std::move(input)});
  }

  struct named_handler {
    std::string name;
    handler run;
    input_maker input;
  };
  [[nodiscard]] std::vector<named_handler> const& handlers() const noexcept { return handlers_; }

 private:
  std::vector<named_handler> handlers_;
};

/// Changes with everything that a plugin and its program must agree on: this header, and what it includes.
inline constexpr std::uint32_t plugin_version = 2;

/// Bytes behind each allocation: none, or those of AddressSanitizer or MAYFLY_CANARIES. Allocating is inline code, so a
/// plugin and its program must leave the same.
inline constexpr std::uint32_t plugin_redzone_bytes = static_cast<std::uint32_t>(detail::redzone_bytes);

}  // namespace mayfly

/// Defines the three entries that a program looks for. Once in a shared object, at namespace scope:
///
///     MAYFLY_PLUGIN(mine) { mine.add_handler("sort", [](mayfly::plugin_call const& call) { ... }); }
///
/// The body runs once, when the object is loaded; what it throws refuses the plugin.
// NOLINTBEGIN(bugprone-macro-parentheses): the name of a parameter
#define MAYFLY_PLUGIN(name)                                                                                            \
  extern "C" [[gnu::visibility("default")]] std::uint32_t mayfly_plugin_version();                                     \
  extern "C" [[gnu::visibility("default")]] std::uint32_t mayfly_plugin_redzone_bytes();                               \
  extern "C" [[gnu::visibility("default")]] void mayfly_plugin_register(::mayfly::plugin& to);                         \
  extern "C" [[gnu::visibility("default")]] std::uint32_t mayfly_plugin_version() { return ::mayfly::plugin_version; } \
  extern "C" [[gnu::visibility("default")]] std::uint32_t mayfly_plugin_redzone_bytes() {                              \
    return ::mayfly::plugin_redzone_bytes;                                                                             \
  }                                                                                                                    \
  extern "C" [[gnu::visibility("default")]] void mayfly_plugin_register([[maybe_unused]] ::mayfly::plugin& name)
// NOLINTEND(bugprone-macro-parentheses)
