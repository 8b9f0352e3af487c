#include "desk.hpp"
#include "file_writer.hpp"
#include "live_log.hpp"
#include <mayfly/detail/cycle_clock.hpp>
#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/thread_index.hpp>
#include <mayfly/trace/recorder.hpp>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

namespace mayfly::trace {
namespace {

constexpr std::size_t most_arenas_at_once = std::size_t{1} << 22U;
constexpr std::size_t most_blocks_per_thread = 1'024;
/// How long a full block may wait for the writing thread.
constexpr std::chrono::milliseconds collecting_interval{5};

void check(recorder_options const& options) {
  if (options.most_arenas < 1 || options.most_arenas > most_arenas_at_once) {
    throw std::invalid_argument("recorder_options::most_arenas must be 1 to 4194304");
  }
  if (options.blocks_per_thread < 2 || options.blocks_per_thread > most_blocks_per_thread) {
    throw std::invalid_argument("recorder_options::blocks_per_thread must be 2 to 1024");
  }
}

/// Starts a thread that no signal is delivered to: they belong to the program's own.
template <class Body>
std::thread start_without_signals(Body const& body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread started{body};
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

}  // namespace

class recorder::machinery final : public log_keeper {
 public:
  machinery(std::string const& path, recorder_options const& options)
      : options_{(check(options), options)},
        file_{path},
        writer_{file_, options.settings},
        logs_{detail::mapping::zeroed(options.most_arenas * sizeof(live_log))},
        log_links_{options.most_arenas},
        desks_by_thread_{std::size_t{most_threads}} {
    if (!logs_ || !log_links_ || !desks_by_thread_) throw std::bad_alloc{};
    writing_ = start_without_signals([this] { write_while_recording(); });
  }
  ~machinery() { finish(); }
  machinery(machinery const&) = delete;
  machinery& operator=(machinery const&) = delete;

  [[nodiscard]] executor_observer* next_observer() const noexcept { return options_.observer; }

  live_log* take_log(std::uint64_t request, std::size_t first_class) noexcept {
    desk* const mine = desk_here();
    live_log* log = mine == nullptr ? nullptr : mine->take_log();
    if (log == nullptr && mine != nullptr) log = free_log(*mine);
    if (log == nullptr) {
      dropped_arenas_.fetch_add(1, std::memory_order_relaxed);  // relaxed: read when all is done
      return nullptr;
    }
    log->start(request, now_ns(), mine->number(), first_class);
    return log;
  }

  void note_opened(std::uint64_t request) noexcept {
    note_of_request([&](chunk& to, std::uint64_t now) { return to.add_opened(request, now); });
  }

  void note_ended(std::uint64_t request, std::string_view route, outcome_kind kind) noexcept {
    auto const outcome = static_cast<std::uint8_t>(kind);
    desk* const noted_at =
        note_of_request([&](chunk& to, std::uint64_t now) { return to.add_ended(request, route, outcome, now); });
    if (noted_at != nullptr) ++noted_at->requests;
  }

  bool keep_part(chunk::arena_end& of, std::span<std::byte const> operations) noexcept override {
    desk* const mine = desk_here();
    if (of.life == 0) of.life = lives_in_parts_.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: a number
    bool const kept =
        mine != nullptr && mine->note(now_ns(), [&](chunk& to) { return to.add_part(of.life, of.parts, operations); });
    ++of.parts;
    return kept;
  }

  void keep_end(live_log& log, chunk::arena_end& of, std::span<std::byte const> operations,
                bool dropped) noexcept override {
    desk* const mine = desk_here();
    of.closed_ns = std::max(now_ns(), of.opened_ns);  // two processors' clocks may differ by a little
    if (!dropped && mine != nullptr &&
        mine->note(of.closed_ns, [&](chunk& to) { return to.add_arena(of, operations); })) {
      ++mine->arenas;
      mine->allocations += of.allocations;
    } else {
      dropped_arenas_.fetch_add(1, std::memory_order_relaxed);  // relaxed: read when all is done
    }
    if (mine == nullptr || !mine->put_log(log)) [[unlikely]]
      give_logs(mine, log);
  }

  recording_report finish() {
    if (writing_.joinable()) {
      {
        std::scoped_lock const lock{mutex_};
        done_ = true;
      }
      wake_.notify_all();
      writing_.join();
      write_the_rest();
    }
    return report_;
  }

 private:
  [[nodiscard]] std::uint64_t now_ns() const noexcept { return clock_.to_ns(clock_.now() - began_); }

  /// Where it was noted down; null: nowhere, for there was no room.
  template <class Add>
  desk* note_of_request(Add const& adds) noexcept {
    desk* const mine = desk_here();
    std::uint64_t const now = now_ns();
    if (mine != nullptr && mine->note(now, [&](chunk& to) { return adds(to, now); })) return mine;
    dropped_requests_.fetch_add(1, std::memory_order_relaxed);  // relaxed: read when all is done
    return nullptr;
  }

  /// Where answers wait for their turn, one thread ends many arenas of another: of the logs that lie idle at its desk,
  /// half go back at once.
  void give_logs(desk* from, live_log& log) noexcept {
    detail::index_chain free;
    auto const give = [&](live_log& each) { free = free.with(&log_links_[0], index_of(each)); };
    if (from != nullptr) from->give_up_logs(give);
    if (from == nullptr || !from->put_log(log)) give(log);
    free_logs_.push(&log_links_[0], free);
  }

  /// One from the depot, and for `of` as many of those it lies with as there is room for.
  live_log* free_log(desk& of) noexcept {
    detail::index_chain free = free_logs_.pop(&log_links_[0]);
    if (!free.empty()) {
      live_log* const log = log_at(free.head());
      free = free.tail(&log_links_[0]);
      while (!free.empty() && of.put_log(*log_at(free.head()))) free = free.tail(&log_links_[0]);
      free_logs_.push(&log_links_[0], free);
      return log;
    }
    // relaxed: a number
    std::uint32_t index = made_logs_.load(std::memory_order_relaxed);
    do {
      if (index == options_.most_arenas) return nullptr;
    } while (!made_logs_.compare_exchange_weak(index, index + 1, std::memory_order_relaxed));
    return ::new (log_place(index)) live_log{*this};
  }
  [[nodiscard]] live_log* log_at(std::uint32_t index) const noexcept {
    return std::launder(reinterpret_cast<live_log*>(log_place(index)));
  }
  [[nodiscard]] std::uint32_t index_of(live_log const& log) const noexcept {
    auto const offset = reinterpret_cast<std::byte const*>(&log) - logs_.start();
    return static_cast<std::uint32_t>(static_cast<std::size_t>(offset) / sizeof(live_log));
  }
  [[nodiscard]] std::byte* log_place(std::uint32_t index) const noexcept {
    return logs_.start() + index * sizeof(live_log);
  }

  /// This thread's desk; a thread that takes over an ended one's index takes over its desk. Null: there is no memory
  /// for one, or the thread is past its farewell.
  desk* desk_here() noexcept {
    detail::thread_index const index = detail::this_thread_index();
    if (index >= most_threads) return nullptr;
    // relaxed: written by this thread, or by one that had its index before, which the thread directory orders
    desk* const known = desks_by_thread_[index].load(std::memory_order_relaxed);
    return known != nullptr ? known : make_desk(index);
  }

  desk* make_desk(detail::thread_index index) noexcept {
    std::scoped_lock const lock{mutex_};
    try {
      // No more than a quarter of all logs lie on desks, however many there are, and some of it is left for the next.
      std::size_t const kept = std::min(desk::most_kept_logs, (options_.most_arenas / 4 - logs_on_desks_) / 4);
      auto made = std::make_unique<desk>(static_cast<std::uint32_t>(desks_.size()), options_.blocks_per_thread, kept);
      desks_.push_back(std::move(made));
      logs_on_desks_ += kept;
    } catch (std::bad_alloc const&) {
      return nullptr;
    }
    desks_by_thread_[index].store(desks_.back().get(), std::memory_order_relaxed);  // relaxed: as in desk_here()
    return desks_.back().get();
  }

  void write_while_recording() {
    std::unique_lock lock{mutex_};
    for (std::size_t known = 0; !done_;) {
      wake_.wait_for(lock, collecting_interval, [this] { return done_; });
      known = desks_.size();
      for (std::size_t i = 0; i < known; ++i) {
        desk& each = *desks_[i];
        lock.unlock();
        each.collect([this](chunk const& full) { writer_.write_records(full.content()); });
        lock.lock();
      }
    }
  }

  /// Once nobody else is at work.
  void write_the_rest() {
    totals& counted = report_.counted;
    for (auto const& each : desks_) {
      each->collect([this](chunk const& full) { writer_.write_records(full.content()); });
      if (chunk const* const open = each->unfinished()) writer_.write_records(open->content());
      counted.requests += each->requests;
      counted.arenas += each->arenas;
      counted.allocations += each->allocations;
    }
    // relaxed: whoever counted is done
    counted.dropped_requests = dropped_requests_.load(std::memory_order_relaxed);
    counted.dropped_arenas = dropped_arenas_.load(std::memory_order_relaxed);
    writer_.finish(counted);
    report_.file_bytes = writer_.bytes();
    if (writer_.error() != 0) {
      report_.error = std::string(std::strerror(writer_.error())) + ", after " + std::to_string(writer_.bytes()) +
                      " bytes: the trace has no end";
    }
  }

  recorder_options options_;
  file_output file_;
  file_writer writer_;  // the writing thread's, then finish()'s
  detail::cycle_clock const& clock_ = detail::cycle_clock::instance();
  detail::cycle_clock::ticks began_ = clock_.now();
  detail::mapping logs_;
  detail::mapped_array<detail::index_links> log_links_;
  detail::uncounted_depot free_logs_;
  std::atomic<std::uint32_t> made_logs_{0};
  detail::mapped_array<std::atomic<desk*>> desks_by_thread_;
  std::atomic<std::uint64_t> lives_in_parts_{0};
  std::atomic<std::uint64_t> dropped_requests_{0};
  std::atomic<std::uint64_t> dropped_arenas_{0};
  std::mutex mutex_;  // guards desks_ (the list), logs_on_desks_ and done_
  std::condition_variable wake_;
  std::vector<std::unique_ptr<desk>> desks_;
  std::size_t logs_on_desks_ = 0;  // at most
  bool done_ = false;
  std::thread writing_;
  recording_report report_;
};

std::string to_string(recording_report const& report) {
  totals const& counted = report.counted;
  std::string text = std::to_string(counted.requests) + " requests, " + std::to_string(counted.allocations) +
                     " allocations in " + std::to_string(counted.arenas) + " arenas, " +
                     std::to_string(report.file_bytes) + " bytes";
  if (counted.dropped_requests + counted.dropped_arenas != 0) {
    text += "; DROPPED " + std::to_string(counted.dropped_requests) + " requests' times and " +
            std::to_string(counted.dropped_arenas) + " arenas";
  }
  return text;
}

recorder::recorder(std::string const& path, recorder_options const& options)
    : machinery_{std::make_unique<machinery>(path, options)} {}
recorder::~recorder() = default;

recording_report recorder::finish() { return machinery_->finish(); }

allocation_log* recorder::begin(std::uint64_t owner_tag, std::size_t first_class) noexcept {
  return machinery_->take_log(owner_tag, first_class);
}

void recorder::lose(allocation_log& of) noexcept { static_cast<live_log&>(of).lost(); }

void recorder::on_open(scope_id id, std::string_view route) noexcept {
  machinery_->note_opened(id.bits());
  if (auto* const next = machinery_->next_observer()) next->on_open(id, route);
}

void recorder::on_close(scope_id id, std::string_view route, outcome_kind kind) noexcept {
  machinery_->note_ended(id.bits(), route, kind);
  if (auto* const next = machinery_->next_observer()) next->on_close(id, route, kind);
}

void recorder::on_refused(std::string_view route, admission_reason reason) noexcept {
  if (auto* const next = machinery_->next_observer()) next->on_refused(route, reason);
}

void recorder::on_completion_failure(scope_id id, std::string_view route, std::exception_ptr const& error) noexcept {
  if (auto* const next = machinery_->next_observer()) next->on_completion_failure(id, route, error);
}

}  // namespace mayfly::trace
