#include <mayfly/arena_resource.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/json_resource.hpp>
#include <mayfly/service/engine.hpp>
#include <mayfly/service/plugin_handler.hpp>

#include <algorithm>
#include <memory_resource>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace mayfly::service {

namespace {

using clock = std::chrono::steady_clock;

/// Room in the executor beyond the window: a request leaves the window a moment before it leaves the executor.
constexpr std::size_t spare_in_flight = 64;

/// An answer stays in its arena where it waits for no more requests than these, or two for each worker.
constexpr std::size_t arenas_that_wait = 16;

/// Far more than an answered request needs to give its pages back.
constexpr std::chrono::seconds settling_time{2};

clock::time_point from_now(std::chrono::nanoseconds time) {
  auto const now = clock::now();
  return time >= clock::time_point::max() - now ? clock::time_point::max() : now + time;
}

bool should_end(void* context) {
  auto const& request = *static_cast<request_context*>(context);
  return request.stop_requested() || request.remaining() <= std::chrono::nanoseconds::zero();
}

void run_on_heap(work_item& item, handler_settings const& handlers, interruption const& interrupt) {
  request_memory const memory{boost::json::storage_ptr{}, std::pmr::new_delete_resource()};
  answer_buffer answer(memory.bytes, item.request.text.size() + 1);
  if (handle_request(item.request.text, memory, handlers, interrupt, answer, item.error)) {
    item.answer = std::move(answer);
  }
}

/// What the executor says about a request that did not end with its handler's own word.
void explain(outcome_kind kind, work_item& item) {
  if (kind == outcome_kind::value || item.error.kind() != failure::none) return;
  switch (kind) {
    case outcome_kind::expired:
      item.error.assign(failure::expired, "past its deadline", 0);
      break;
    case outcome_kind::cancelled:
      item.error.assign(failure::cancelled, "cancelled", 0);
      break;
    default:
      item.error.assign(failure::internal, "internal error", 0);
      break;
  }
  // What has been written of the answer is nobody's now.
  item.drop_answer();
}

class pool_engine final : public engine {
 public:
  pool_engine(engine_options const& options, handler_settings const& handlers, answer_window& window)
      : options_(options), handlers_(handlers), window_(window), executor_(settings_for(options)) {}

  answer try_start(work_item& item) override {
    if (options_.deadline && !item.deadline_at) item.deadline_at = from_now(*options_.deadline);
    submit_options const options{.route = handlers_.name(), .deadline_at = item.deadline_at};
    auto const admitted = executor_.try_submit(
        options, [this, &item](request_context& request) { return run(item, request); },
        [this, &item](outcome<clock::time_point> const& end, request_context& request) {
          complete(item, end, request);
        });
    if (admitted) return answer::started;
    switch (admitted.reason()) {
      case admission_reason::queue_full:
      case admission_reason::over_budget:
        return answer::busy;
      case admission_reason::expired:
        item.error.assign(failure::expired, "past its deadline", 0);
        break;
      default:
        item.error.format(failure::internal, 0, "refused: %s", to_string(admitted.reason()).data());
        break;
    }
    window_.finish(item);
    return answer::started;
  }

  std::size_t workers() const override { return executor_.workers(); }

  std::optional<page_pool_stats> pages() const override {
    if (options_.memory == memory_kind::heap) return std::nullopt;
    return executor_.pages().stats();
  }

  std::optional<memory_account> end_and_account() override {
    if (options_.memory == memory_kind::heap) return std::nullopt;
    // The last answer has been written, and its request's pages may still be on their way.
    static_cast<void>(executor_.drain(settling_time, settling_time));
    return executor_.pages().account();
  }

  std::optional<route_stats> sizes() const override {
    auto const routes = executor_.routes();  // one at most: the handler's
    return routes.empty() ? std::nullopt : std::optional{routes.front()};
  }

 private:
  static executor_options settings_for(engine_options const& options) {
    executor_options settings;
    settings.workers = options.workers;
    settings.max_in_flight = options.window + spare_in_flight;
    settings.max_queued = options.window + spare_in_flight;
    settings.request_bytes = options.request_bytes;
    settings.page_budget_bytes = options.page_budget_bytes;
    settings.adaptive_first_page = options.memory == memory_kind::arena && options.of_memory.adaptive_first_page;
    settings.first_page_class = options.of_memory.first_page_class;
    settings.page_options = options.of_memory.page_options;
    settings.trim_interval = options.trim_interval;
    settings.guard.one_in = options.guard_one_in;
    settings.audit.one_in = options.audit_one_in;
    settings.page_options.recorder = options.recorder;
    settings.observer = options.recorder;
    settings.statistics = false;  // the window counts for itself, for both kinds of memory
    return settings;
  }

  /// Returns when it began.
  clock::time_point run(work_item& item, request_context& request) {
    auto const began = clock::now();
    interruption interrupt;
    if (options_.deadline) interrupt = {&should_end, &request};
    if (options_.memory == memory_kind::heap) {
      run_on_heap(item, handlers_, interrupt);
    } else {
      run_on_arena(item, request, interrupt);
    }
    return began;
  }

  void run_on_arena(work_item& item, request_context& request, interruption const& interrupt) {
    json_resource trees(request.arena());
    request_memory const memory{boost::json::storage_ptr(&trees), request.memory()};
    answer_buffer written(memory.bytes, item.request.text.size() + 1);
    auto const text = item.request.text;
    bool const answered =
        handlers_.of_plugin != nullptr
            ? handle_with_plugin(text, item.number - 1, request, handlers_, interrupt, written, item.error)
            : handle_request(text, memory, handlers_, interrupt, written, item.error);
    if (!answered) return written.forget();
    bool const waits_long = window_.waits_for(item) > std::max(arenas_that_wait, 2 * executor_.workers());
    if (waits_long && move_out(written, item)) return;
    item.hold = request.hold();
    item.answer = std::move(written);
  }

  /// Copies an answer into an arena of its own, so that all else of its request need not wait with it. False: there is
  /// no memory for that.
  bool move_out(answer_buffer& written, work_item& item) {
    try {
      arena_resource memory{item.copy.emplace(executor_.pages())};
      answer_buffer copy(&memory, written.size());
      written.for_each_chunk([&](std::string_view piece) { copy.append(piece); });
      item.answer = std::move(copy);  // who drops it forgets it: it does not come back to `memory`
    } catch (std::bad_alloc const&) {
      item.copy.reset();
      return false;
    }
    written.forget();
    return true;
  }

  void complete(work_item& item, outcome<clock::time_point> const& end, request_context& request) {
    explain(end.kind(), item);
    if (options_.memory == memory_kind::arena) item.costs.memory = memory_split::of(request.scope());
    if (end) item.costs.took = clock::now() - *end;
    window_.finish(item);
  }

  engine_options options_;
  handler_settings const& handlers_;
  answer_window& window_;
  mutable executor executor_;  // last: it waits for its requests, which use the others
};

class inline_engine final : public engine {
 public:
  inline_engine(handler_settings const& handlers, answer_window& window) : handlers_(handlers), window_(window) {}

  answer try_start(work_item& item) override {
    auto const began = clock::now();
    run_on_heap(item, handlers_, {});
    item.costs.took = clock::now() - began;
    window_.finish(item);
    return answer::started;
  }
  std::size_t workers() const override { return 1; }
  std::optional<page_pool_stats> pages() const override { return std::nullopt; }

 private:
  handler_settings const& handlers_;
  answer_window& window_;
};

}  // namespace

trace::recorded_settings recorded_settings_of(engine_options const& options) {
  trace::recorded_settings settings{.program = "mayfly run", .workers = static_cast<unsigned>(options.workers)};
  settings.pages = options.of_memory.page_options;
  if (options.page_budget_bytes != 0) settings.pages.max_bytes = options.page_budget_bytes;
  if (!options.of_memory.adaptive_first_page) settings.first_class = options.of_memory.first_page_class;
  settings.epoch = options.trim_interval;
  return settings;
}

std::unique_ptr<engine> make_pool_engine(engine_options const& options, handler_settings const& handlers,
                                         answer_window& window) {
  return std::make_unique<pool_engine>(options, handlers, window);
}

std::unique_ptr<engine> make_inline_engine(handler_settings const& handlers, answer_window& window) {
  return std::make_unique<inline_engine>(handlers, window);
}

}  // namespace mayfly::service
