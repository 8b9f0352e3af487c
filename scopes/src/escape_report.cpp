#include <mayfly/detail/thread_id.hpp>
#include <mayfly/escape_report.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <new>

#include <unistd.h>

namespace mayfly {
namespace {

/// Who hears. Never changed nor freed, so that a signal handler can read the one it finds.
struct listener {
  escape_handler handler;
  void* user;
  handler_safety safety;
  listener* next;
};

std::mutex listeners_mutex;               // guards the list
constinit listener* listeners = nullptr;  // one for each choice ever made
constinit std::atomic<listener*> chosen{nullptr};
constinit std::array<std::atomic<std::uint64_t>, escape_rule_limit> counts{};

void write_to_standard_error(escape_report const& report) noexcept {
  std::array<char, longest_escape_report> text;
  std::size_t const length = format_text(report, text);
  int const before = errno;
  for (std::size_t done = 0; done < length;) {
    ssize_t const written = ::write(STDERR_FILENO, text.data() + done, length - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      break;  // nobody to tell
    }
  }
  errno = before;
}

void count(escape_rule rule) noexcept {
  auto const number = static_cast<std::size_t>(rule);
  // Relaxed: figures for people.
  counts[number < counts.size() ? number : 0].fetch_add(1, std::memory_order_relaxed);
}

void tell(escape_report const& found, bool in_signal) noexcept {
  count(found.rule);
  escape_report report = found;
  if (report.this_thread == 0) {
    report.this_thread = in_signal ? static_cast<std::int32_t>(gettid()) : detail::this_thread_id();
  }
  if (report.told == scope_clock::time_point::min()) report.told = scope_clock::now();  // clock_gettime: signal-safe
  // sync escape-handler: acquire; pairs with set_escape_handler(); reads the listener
  listener const* const who = chosen.load(std::memory_order_acquire);
  if (who == nullptr || (in_signal && who->safety == handler_safety::ordinary)) {
    write_to_standard_error(report);
  } else {
    who->handler(report, who->user);
  }
}

listener* find_or_make(escape_handler handler, void* user, handler_safety safety) {
  std::scoped_lock const lock{listeners_mutex};
  for (listener* each = listeners; each != nullptr; each = each->next) {
    if (each->handler == handler && each->user == user && each->safety == safety) return each;
  }
  listeners = new listener{handler, user, safety, listeners};
  return listeners;
}

}  // namespace

void set_escape_handler(escape_handler handler, void* user, handler_safety safety) {
  listener* const choice = handler == nullptr ? nullptr : find_or_make(handler, user, safety);
  // sync escape-handler: release; pairs with tell(); publishes the listener
  chosen.store(choice, std::memory_order_release);
}

void report_escape(escape_report const& report) noexcept { tell(report, false); }
void report_escape_in_signal(escape_report const& report) noexcept { tell(report, true); }

std::uint64_t escape_reports() noexcept {
  std::uint64_t sum = 0;
  for (auto const& each : counts) sum += each.load(std::memory_order_relaxed);  // relaxed: figures for people
  return sum;
}

std::uint64_t escape_reports(escape_rule rule) noexcept {
  auto const number = static_cast<std::size_t>(rule);
  return number < counts.size() ? counts[number].load(std::memory_order_relaxed) : 0;  // relaxed: as above
}

}  // namespace mayfly
