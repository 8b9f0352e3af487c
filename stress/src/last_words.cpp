#include <mayfly/stress/last_words.hpp>

#include <execinfo.h>

#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace mayfly::stress {

namespace {

/// A signal handler reaches globals only. Written before the handler is installed, and read by it alone.
struct words {
  std::string_view before;
  std::atomic<std::uint64_t> const* number = nullptr;
  std::string_view after;
  int exit_code = 0;
};
constinit words to_say{};

void say(std::string_view text) noexcept {
  while (!text.empty()) {
    auto const written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void say(std::uint64_t number) noexcept {
  std::array<char, 20> digits{};
  std::size_t first = digits.size();
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  say(std::string_view{digits.data() + first, digits.size() - first});
}

/// The stack comes last: finding names in it may hang as well, where a thread has the loader's lock.
void say_all(int) noexcept {
  static constinit std::atomic<bool> said{false};
  if (said.exchange(true, std::memory_order_relaxed)) ::_exit(to_say.exit_code);  // relaxed: the same thread, mostly
  ::alarm(2);
  say(to_say.before);
  say(to_say.number->load(std::memory_order_relaxed));  // relaxed: a figure
  say(to_say.after);
  std::array<void*, 64> frames{};
  int const count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  ::backtrace_symbols_fd(frames.data(), count, STDERR_FILENO);
  ::_exit(to_say.exit_code);
}

}  // namespace

last_words::last_words(std::string before, std::atomic<std::uint64_t> const& number, std::string after, int exit_code)
    : before_{std::move(before)}, after_{std::move(after)} {
  to_say = {before_, &number, after_, exit_code};
}

void last_words::unless_within(std::chrono::seconds patience) noexcept {
  struct sigaction action{};
  action.sa_handler = &say_all;
  action.sa_flags = SA_NODEFER;  // it may hang in there, too
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(static_cast<unsigned>(patience.count()));
}

}  // namespace mayfly::stress
