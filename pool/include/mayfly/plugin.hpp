#pragma once

#include <mayfly/request_context.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mayfly {

/// What one call of a plugin's handler is for. Lives as long as the call.
struct plugin_call {
  request_context& request;  ///< memory, deadline, stop flag, nested work: as in any handler
  std::uint64_t seed;        ///< of the whole run
  std::uint64_t number;      ///< of this request, from 0; with the seed it is all that a repeatable choice is made from
};

/// The handlers that a shared object brings, by name. What one throws ends its own request, as with any handler.
class plugin {
 public:
  using handler = std::function<void(plugin_call const&)>;

  /// `run` is called on many threads at once. Names need not differ.
  template <class Run>
    requires std::constructible_from<handler, Run>
  void add_handler(std::string name, Run&& run) {
    handlers_.push_back({std::move(name), handler(std::forward<Run>(run))});
  }

  struct named_handler {
    std::string name;
    handler run;
  };
  [[nodiscard]] std::vector<named_handler> const& handlers() const noexcept { return handlers_; }

 private:
  std::vector<named_handler> handlers_;
};

/// Changes with everything that a plugin and its program must agree on: this header, and what it includes.
inline constexpr std::uint32_t plugin_version = 1;

}  // namespace mayfly

/// Defines the two entries that a program looks for. Once in a shared object, at namespace scope:
///
///     MAYFLY_PLUGIN(mine) { mine.add_handler("sort", [](mayfly::plugin_call const& call) { ... }); }
///
/// The body runs once, when the object is loaded; what it throws refuses the plugin.
// NOLINTBEGIN(bugprone-macro-parentheses): the name of a parameter
#define MAYFLY_PLUGIN(name)                                                                                            \
  extern "C" [[gnu::visibility("default")]] std::uint32_t mayfly_plugin_version();                                     \
  extern "C" [[gnu::visibility("default")]] void mayfly_plugin_register(::mayfly::plugin& to);                         \
  extern "C" [[gnu::visibility("default")]] std::uint32_t mayfly_plugin_version() { return ::mayfly::plugin_version; } \
  extern "C" [[gnu::visibility("default")]] void mayfly_plugin_register([[maybe_unused]] ::mayfly::plugin& name)
// NOLINTEND(bugprone-macro-parentheses)
