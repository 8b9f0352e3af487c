#pragma once

#include <mayfly/executor_options.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/route_stats.hpp>
#include <mayfly/service/answer_window.hpp>
#include <mayfly/service/handlers.hpp>
#include <mayfly/service/work_item.hpp>
#include <mayfly/trace/recorder.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace mayfly::service {

/// Where requests get their memory.
enum class memory_kind : unsigned char {
  arena,  ///< each from an arena of its own
  heap,   ///< all from the global heap: the same handlers on the same executor, for comparison
};

/// How requests are run.
struct engine_options {
  memory_kind memory = memory_kind::arena;
  std::size_t workers = 0;   ///< 0: what the executor chooses
  std::size_t window = 256;  ///< requests under way at most
  std::chrono::nanoseconds trim_interval = executor_options{}.trim_interval;
  std::size_t request_bytes = 0;      ///< budget of one request's arena; 0: none
  std::size_t page_budget_bytes = 0;  ///< budget of all arenas together; 0: none
  executor_options of_memory;         ///< pages and first pages
  std::uint32_t guard_one_in = 0;     ///< guard mode for one of so many requests; 0: off
  std::uint32_t audit_one_in = 0;     ///< audits one of so many requests when it ends; 0: none
  std::optional<std::chrono::nanoseconds> deadline;
  trace::recorder* recorder = nullptr;  ///< null: nothing is recorded
};

/// What starts requests and sees to it that each is finished in the window, exactly once.
class engine {
 public:
  virtual ~engine() = default;

  enum class answer : unsigned char { started, busy };

  /// Starts a request that the window has begun, or says that there is no room for it now. A request that can never
  /// be run is finished with an error, which counts as started.
  [[nodiscard]] virtual answer try_start(work_item& item) = 0;

  /// Threads that run requests.
  [[nodiscard]] virtual std::size_t workers() const = 0;
  /// Where pages came from so far; nothing where there are no pages.
  [[nodiscard]] virtual std::optional<page_pool_stats> pages() const = 0;
  /// Where every byte of the pages is, with no request under way: nothing may be started afterwards. Nothing where
  /// there are no pages.
  [[nodiscard]] virtual std::optional<memory_account> end_and_account() { return std::nullopt; }
  /// What requests took lately; nothing where nobody learns it.
  [[nodiscard]] virtual std::optional<route_stats> sizes() const { return std::nullopt; }
};

/// What a trace says was in force.
[[nodiscard]] trace::recorded_settings recorded_settings_of(engine_options const& options);

/// mayfly's executor. `handlers` and `window` must outlive it; its destructor waits for what it has started.
[[nodiscard]] std::unique_ptr<engine> make_pool_engine(engine_options const& options, handler_settings const& handlers,
                                                       answer_window& window);

/// The calling thread, one request after the other, on the heap: what everything else is compared with.
[[nodiscard]] std::unique_ptr<engine> make_inline_engine(handler_settings const& handlers, answer_window& window);

}  // namespace mayfly::service
