#include "audit_support.hpp"
#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/audit.hpp>
#include <mayfly/detail/poison.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <sys/mman.h>

// Audits while other threads do what changes memory under them.
namespace mayfly {
namespace {

constexpr int audits = detail::sanitized || test::thread_sanitized ? 8 : 60;

/// A thread that does something over and over until this goes.
class busy_thread {
 public:
  template <typename Body>
  explicit busy_thread(Body body)
      : thread_{[this, body] {
          // Relaxed: the flag orders nothing.
          for (std::size_t round = 0; !done_.load(std::memory_order_relaxed); ++round) body(round);
        }} {}
  ~busy_thread() {
    done_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  busy_thread(busy_thread const&) = delete;
  busy_thread& operator=(busy_thread const&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

/// What an audit finds of one heap block that holds an address, while that goes on.
void expect_only_the_held_block(test::audited& with) {
  auto const kept = std::make_unique<void const*>(with.int_in_scope());
  test::somebody_looks_into(kept);
  int complete = 0;
  for (int i = 0; i < audits; ++i) {
    audit_result const found = audit_scope(with.scope(), test::unlimited);
    EXPECT_EQ(found.globals, 0U);
    EXPECT_EQ(found.thread_locals, 0U);
    EXPECT_LE(found.heap_blocks, 1U);
    if (!found.complete) continue;
    ++complete;
    EXPECT_EQ(found.heap_blocks, 1U);
  }
  EXPECT_GT(complete, 0);
}

TEST(AuditUnderChange, BlocksComeAndGo) {
  test::audited with{{.one_in = 0}};
  auto const allocate = [](std::size_t round) {
    std::vector<std::unique_ptr<char[]>> blocks;
    test::random_numbers random{round};
    for (int i = 0; i < 100; ++i)
      blocks.push_back(std::make_unique<char[]>(random.below(round % 7 == 0 ? 300'000 : 900)));
  };
  busy_thread const one{allocate};
  busy_thread const two{allocate};
  expect_only_the_held_block(with);
}

TEST(AuditUnderChange, ThreadsComeAndGo) {
  test::audited with{{.one_in = 0}};
  busy_thread const starts{[](std::size_t) { test::elsewhere([] { std::free(std::malloc(5000)); }); }};
  expect_only_the_held_block(with);
}

TEST(AuditUnderChange, LibrariesComeAndGo) {
  if (test::thread_sanitized) GTEST_SKIP() << "the C library's lock on its list of libraries is not seen";
  test::audited with{{.one_in = 0}};
  busy_thread const loads{[](std::size_t) {
    void* const library = dlopen(AUDIT_LATE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) dlclose(library);
  }};
  expect_only_the_held_block(with);
}

TEST(AuditUnderChange, MappingsComeAndGo) {
  test::audited with{{.one_in = 0}};
  busy_thread const maps{[](std::size_t round) {
    std::size_t const bytes = (round % 50 + 1) << 12U;
    void* const start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return;
    *static_cast<char*>(start) = 1;
    ::munmap(start, bytes);
  }};
  expect_only_the_held_block(with);
}

TEST(AuditUnderChange, SeveralScopesAreAuditedAtOnce) {
  test::audited with{{.one_in = 1}};
  {
    auto const open_and_close = [&with](std::size_t) {
      scope& mine = *with.registry().open({.route = "beside"});
      test::inside(mine, [&mine] { mine.make<int>(1); });
      mine.close();
    };
    busy_thread const one{open_and_close};
    busy_thread const two{open_and_close};
    expect_only_the_held_block(with);
  }
  for (test::heard const& each : with.reports()) EXPECT_EQ(each.route, "test");
}

}  // namespace
}  // namespace mayfly
