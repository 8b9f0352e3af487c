#pragma once

#include <mayfly/detail/thread_scope.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_id.hpp>
#include <mayfly/scope_registry.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace mayfly {

/// Opens and closes request scopes on one worker. The executor calls it at a request's boundaries; a language runtime
/// or a server brings its own to learn of them. One object serves one thread.
class effect_handler {
 public:
  effect_handler() = default;
  effect_handler(effect_handler const&) = delete;
  effect_handler& operator=(effect_handler const&) = delete;
  virtual ~effect_handler() = default;

  /// Opens a scope inside the one that is active, and makes it the active one. No scope: none could be opened. May
  /// throw std::bad_alloc where it keeps books; nothing is open then that was not before.
  [[nodiscard]] virtual scope_id enter_request_scope() = 0;
  /// Closes the scope, and with it all that were entered since. An id that is not open here does nothing.
  virtual void exit_request_scope(scope_id id) noexcept = 0;
  /// A handler for another worker. It starts with no scope of this one's.
  [[nodiscard]] virtual std::unique_ptr<effect_handler> spawn_for_worker() = 0;
};

/// The effect_handler over a scope_registry: each entered scope is current on this thread until it is exited, the one
/// around it is current again afterwards. Scopes still open when the handler ends are closed then. Enter, exit and end
/// it on one thread; it must not outlive the registry. Warm, an enter allocates nothing.
class scope_stack final : public effect_handler {
 public:
  explicit scope_stack(scope_registry& registry, scope_options const& options = {});
  ~scope_stack() override;

  [[nodiscard]] scope_id enter_request_scope() override;
  void exit_request_scope(scope_id id) noexcept override;
  [[nodiscard]] std::unique_ptr<effect_handler> spawn_for_worker() override;

  /// The innermost open scope; null when there is none.
  [[nodiscard]] scope* active() const noexcept { return open_.empty() ? nullptr : open_.back().opened; }
  [[nodiscard]] std::size_t depth() const noexcept { return open_.size(); }

 private:
  struct level {
    explicit level(scope& entered) noexcept : opened{&entered}, id{entered.id()} {}

    scope* opened;
    scope_id id;
    detail::saved_scope before;  // what was current when it was entered
  };

  void exit_innermost() noexcept;

  scope_registry* registry_;
  scope_options options_;
  std::vector<level> open_;
};

}  // namespace mayfly
