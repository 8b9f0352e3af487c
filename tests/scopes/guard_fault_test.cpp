// Faults in memory of closed scopes: what is said, and what happens then. Each in a process of its own, in which the
// handler is installed anew.

#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/detail/fault_handler.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/escape_report.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <pthread.h>
#include <unistd.h>

namespace mayfly {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::Not;

using test::thread_sanitized;

/// A guarded scope that has ended, and an address in it.
struct closed_scope {
  explicit closed_scope(std::size_t bytes = 64, std::string_view route = "orders") {
    scope* const opened = registry.open({.route = route});
    void* const taken = opened->main_arena().allocate(bytes);
    std::memset(taken, 1, bytes);
    opened->close();
    memory = static_cast<char volatile*>(taken);
  }

  page_pool pool{{.reserve_bytes = std::size_t{1} << 30U}};
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  char volatile* memory = nullptr;
};

/// Killed by the fault itself; where a sanitizer has the signal, or the poison, by that.
bool ended_by_fault(int status) {
  if (detail::sanitized || thread_sanitized) return WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WIFSIGNALED(status);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

void write_text(char const* text) {
  if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) std::abort();
}

struct GuardFaultDeathTest : testing::Test {
  GuardFaultDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

/// What needs our own handler, and the system's own outcome of a fault.
struct FaultHandlerDeathTest : GuardFaultDeathTest {
  void SetUp() override {
    if (detail::sanitized || thread_sanitized) GTEST_SKIP() << "sanitizers have SIGSEGV to themselves";
  }
};

TEST_F(GuardFaultDeathTest, AReadIsReportedWithAllThereIsToSay) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        static_cast<void>(*gone.memory);
      },
      ended_by_fault,
      AllOf(HasSubstr("MF-E31"), ContainsRegex("address=0x[0-9a-f]+"), ContainsRegex("scope=[0-9]+\\.[0-9]+"),
            HasSubstr("route=\"orders\""), ContainsRegex("opened_ns=[0-9]+"), ContainsRegex("closed_ns=[0-9]+"),
            ContainsRegex("opened_thread=[0-9]+"), ContainsRegex("closed_thread=[0-9]+"),
            ContainsRegex("this_thread=[0-9]+")));
}

TEST_F(GuardFaultDeathTest, AWriteIsReported) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        *gone.memory = 2;
      },
      ended_by_fault, HasSubstr("MF-E31"));
}

TEST_F(GuardFaultDeathTest, AnAccessFromAnotherThreadIsReported) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        test::elsewhere([&] { static_cast<void>(*gone.memory); });
      },
      ended_by_fault, AllOf(HasSubstr("MF-E31"), HasSubstr("route=\"orders\"")));
}

TEST_F(GuardFaultDeathTest, AnAccessToABlockIsReported) {
  EXPECT_EXIT(
      {
        closed_scope const gone{std::size_t{700} << 10U};
        gone.memory[600'000] = 2;
      },
      ended_by_fault, HasSubstr("MF-E31"));
}

void touch_after_the_registry() {
  page_pool pool{{.reserve_bytes = std::size_t{1} << 30U}};
  char volatile* memory = nullptr;
  {
    std::string const route = "a route that lives no longer than its registry";
    scope_registry registry{pool, {.guard = {.one_in = 1}}};
    scope* const opened = registry.open({.route = route});
    memory = static_cast<char*>(opened->main_arena().allocate(64));
    opened->close();
  }
  *memory = 1;
}

TEST_F(GuardFaultDeathTest, TheScopeIsNamedAfterItsRegistryHasGone) {
  EXPECT_EXIT(touch_after_the_registry(), ended_by_fault,
              HasSubstr("route=\"a route that lives no longer than its registry\""));
}

TEST_F(GuardFaultDeathTest, ALongRouteIsCut) {
  std::string const route(200, 'r');
  EXPECT_EXIT(
      {
        closed_scope const gone(64, route);
        *gone.memory = 1;
      },
      ended_by_fault, HasSubstr("route=\"" + route.substr(0, 63) + "\""));
}

TEST_F(GuardFaultDeathTest, AFaultElsewhereIsNotOurs) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        auto* volatile nowhere = static_cast<char volatile*>(nullptr);
        *nowhere = 1;
      },
      ended_by_fault, Not(HasSubstr("MF-E31")));
}

TEST_F(FaultHandlerDeathTest, AFaultInReservedAddressesThatNobodyHasIsNotOurs) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        auto const step = static_cast<std::ptrdiff_t>(gone.pool.reserved_bytes() / 2);
        gone.memory[step] = 1;
      },
      ended_by_fault, Not(HasSubstr("MF-E31")));
}

// ---- who was there before us

void exit_with_3(int /*signal*/) {
  write_text("plain handler\n");
  ::_exit(3);
}

void* expected_address = nullptr;
void exit_with_4(int signal, siginfo_t* info, void* context) {
  bool const same = signal == SIGSEGV && info->si_addr == expected_address && context != nullptr;
  write_text(same ? "informed handler\n" : "wrong address\n");
  ::_exit(4);
}

struct sigaction plain(void (*handler)(int), int flags = 0) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  return action;
}

TEST_F(FaultHandlerDeathTest, APlainHandlerBeforeOursIsCalledAfterTheReport) {
  EXPECT_EXIT(
      {
        struct sigaction const before = plain(&exit_with_3);
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        *gone.memory = 1;
      },
      ExitedWithCode(3), ContainsRegex("MF-E31.*plain handler"));
}

TEST_F(FaultHandlerDeathTest, AHandlerWithInformationBeforeOursGetsIt) {
  EXPECT_EXIT(
      {
        struct sigaction before{};
        before.sa_sigaction = &exit_with_4;
        before.sa_flags = SA_SIGINFO;
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        expected_address = const_cast<char*>(gone.memory) + 5;
        gone.memory[5] = 1;
      },
      ExitedWithCode(4), ContainsRegex("MF-E31.*informed handler"));
}

TEST_F(FaultHandlerDeathTest, AHandlerBeforeOursGetsFaultsThatAreNotOurs) {
  EXPECT_EXIT(
      {
        struct sigaction const before = plain(&exit_with_3);
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        auto* volatile nowhere = static_cast<char volatile*>(nullptr);
        *nowhere = 1;
      },
      ExitedWithCode(3), AllOf(HasSubstr("plain handler"), Not(HasSubstr("MF-E31"))));
}

sigjmp_buf way_back;
void jump_back(int /*signal*/) { ::siglongjmp(way_back, 1); }

TEST_F(FaultHandlerDeathTest, AHandlerThatJumpsOutLeavesOursInPlace) {
  EXPECT_EXIT(
      {
        struct sigaction const before = plain(&jump_back);
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        if (sigsetjmp(way_back, 1) == 0) *gone.memory = 1;
        if (sigsetjmp(way_back, 1) == 0) *gone.memory = 1;
        std::exit(escape_reports(escape_rule::late_access) == 2 ? 0 : 1);
      },
      ExitedWithCode(0), "MF-E31.*MF-E31");
}

void note_call(int /*signal*/) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  write_text(::sigismember(&now, SIGUSR1) == 1 ? "masked\n" : "not masked\n");
}

TEST_F(FaultHandlerDeathTest, AHandlerThatWantsToBeCalledOnceIsAndItsMaskIsKept) {
  EXPECT_EXIT(
      {
        struct sigaction before = plain(&note_call, static_cast<int>(SA_RESETHAND));
        ::sigaddset(&before.sa_mask, SIGUSR1);
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        *gone.memory = 1;
      },
      testing::KilledBySignal(SIGSEGV),
      AllOf(ContainsRegex("MF-E31.*masked.*MF-E31"), Not(HasSubstr("not masked")),
            Not(ContainsRegex("masked.*masked"))));
}

TEST_F(FaultHandlerDeathTest, IgnoredSignalsStayIgnoredAndFaultsCannotBe) {
  EXPECT_EXIT(
      {
        struct sigaction const before = plain(SIG_IGN);
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        ::raise(SIGSEGV);
        write_text("still here\n");
        *gone.memory = 1;
      },
      testing::KilledBySignal(SIGSEGV), ContainsRegex("still here.*MF-E31"));
}

TEST_F(FaultHandlerDeathTest, ASignalThatSomebodySentKillsAsBefore) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        ::raise(SIGSEGV);
        write_text("survived\n");
        std::exit(0);
      },
      testing::KilledBySignal(SIGSEGV), Not(HasSubstr("survived")));
}

// ---- stacks

// NOLINTNEXTLINE(misc-no-recursion): on purpose
std::size_t overflow(std::size_t depth) {
  std::array<char volatile, 4096> frame;
  frame[depth % frame.size()] = 1;
  return depth == 0 ? 0 : overflow(depth + 1) + static_cast<std::size_t>(frame[depth % frame.size()]);
}

TEST_F(FaultHandlerDeathTest, AStackOverflowEndsAsBefore) {
  EXPECT_EXIT(
      {
        closed_scope const gone;
        std::exit(overflow(1) == 7 ? 1 : 0);
      },
      testing::KilledBySignal(SIGSEGV), Not(HasSubstr("MF-E31")));
}

TEST_F(FaultHandlerDeathTest, AStackOverflowOnAThreadWithASignalStackReachesTheHandlerBefore) {
  EXPECT_EXIT(
      {
        struct sigaction const before = plain(&exit_with_3, SA_ONSTACK);
        ::sigaction(SIGSEGV, &before, nullptr);
        closed_scope const gone;
        test::elsewhere([] {
          detail::signal_stack const stack;
          std::exit(overflow(1) == 7 ? 1 : 0);
        });
      },
      ExitedWithCode(3), AllOf(HasSubstr("plain handler"), Not(HasSubstr("MF-E31"))));
}

TEST_F(FaultHandlerDeathTest, AThreadGetsASignalStackOnlyWhereItHasNone) {
  EXPECT_EXIT(
      {
        test::elsewhere([] {
          stack_t seen{};
          {
            detail::signal_stack const stack;
            ::sigaltstack(nullptr, &seen);
            if ((seen.ss_flags & SS_DISABLE) != 0 || seen.ss_size < std::size_t{64} << 10U) ::_exit(1);
            detail::signal_stack const second;
            stack_t still{};
            ::sigaltstack(nullptr, &still);
            if (still.ss_sp != seen.ss_sp) ::_exit(2);
          }
          ::sigaltstack(nullptr, &seen);
          if ((seen.ss_flags & SS_DISABLE) == 0) ::_exit(3);
        });
        std::exit(0);
      },
      ExitedWithCode(0), "");
}

// ---- the embedder's own handler

void hear(escape_report const& report, void* user) noexcept {
  write_text(report.rule == escape_rule::late_access ? static_cast<char const*>(user) : "another rule\n");
}

TEST_F(GuardFaultDeathTest, AnEscapeHandlerThatIsSignalSafeHears) {
  EXPECT_EXIT(
      {
        char text[] = "heard\n";
        set_escape_handler(&hear, text, handler_safety::signal_safe);
        closed_scope const gone;
        *gone.memory = 1;
      },
      ended_by_fault, AllOf(HasSubstr("heard"), Not(HasSubstr("MF-E31"))));
}

TEST_F(GuardFaultDeathTest, AnEscapeHandlerThatIsNotSignalSafeIsNotCalled) {
  EXPECT_EXIT(
      {
        char text[] = "heard\n";
        set_escape_handler(&hear, text);
        closed_scope const gone;
        *gone.memory = 1;
      },
      ended_by_fault, AllOf(HasSubstr("MF-E31"), Not(HasSubstr("heard"))));
}

TEST(GuardUnderAddressSanitizer, NeitherHandlerNorSignalStackIsOurs) {
  if (!detail::sanitized) GTEST_SKIP() << "needs AddressSanitizer";
  struct sigaction before{};
  ::sigaction(SIGSEGV, nullptr, &before);
  closed_scope const gone;
  struct sigaction after{};
  ::sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(after.sa_sigaction, before.sa_sigaction);
  stack_t stack_before{};
  stack_t stack_after{};
  ::sigaltstack(nullptr, &stack_before);
  detail::signal_stack const stack;
  ::sigaltstack(nullptr, &stack_after);
  EXPECT_EQ(stack_after.ss_sp, stack_before.ss_sp);
}

}  // namespace
}  // namespace mayfly
