// An audit that could not look everywhere says so: where the system refuses the calls by which it looks, and where
// there is more than it has room for.

#include "audit_support.hpp"
#include "refused_calls.hpp"
#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/audit.hpp>
#include <mayfly/detail/poison.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

void const* refused_global = nullptr;
thread_local void const* refused_thread = nullptr;

namespace mayfly {
namespace {

using test::audited;
using test::child_end;
using test::where_refused;

/// Says what it was where it is not as expected: this is another process.
bool is(audit_result const& seen, std::uint32_t each, std::uint32_t blocks, bool complete) {
  bool const so =
      seen.globals == each && seen.thread_locals == each && seen.heap_blocks == blocks && seen.complete == complete;
  if (!so) {
    std::cerr << "globals " << seen.globals << ", thread-locals " << seen.thread_locals << ", heap blocks "
              << seen.heap_blocks << ", complete " << seen.complete << "\n";
  }
  return so;
}

/// Held by a global, a thread-local and three heap blocks: of the main arena, of a thread's, and with a mapping.
audit_result audit_what_is_held() {
  audited with{{.one_in = 0}};
  refused_global = with.int_in_scope();
  refused_thread = refused_global;
  auto const small = std::make_unique<void const*>(refused_global);
  test::somebody_looks_into(small);
  std::vector<void const*> large(100'000);
  large[70'000] = refused_global;
  test::somebody_looks_into(large);
  std::unique_ptr<void const*> of_thread;
  std::latch allocated{1};
  std::latch done{1};
  std::thread other{[&] {
    of_thread = std::make_unique<void const*>(refused_global);
    test::somebody_looks_into(of_thread);
    allocated.count_down();
    done.wait();
  }};
  allocated.wait();
  audit_result const seen = audit_scope(with.scope(), test::unlimited);
  done.count_down();
  other.join();
  refused_global = nullptr;
  refused_thread = nullptr;
  return seen;
}

audit_result audit_an_int() {
  audited with{{.one_in = 0}};
  static_cast<void>(with.int_in_scope());
  return audit_scope(with.scope(), test::unlimited);
}

audit_result audit_an_int_beside_a_thread() {
  std::latch started{1};
  std::latch done{1};
  std::thread other{[&] {
    started.count_down();
    done.wait();
  }};
  started.wait();
  audit_result const seen = audit_an_int();
  done.count_down();
  other.join();
  return seen;
}

#define MAYFLY_EXPECT_RIGHT(end)                                                    \
  do {                                                                              \
    child_end const seen = end;                                                     \
    if (seen == child_end::no_filters) GTEST_SKIP() << "the system has no filters"; \
    EXPECT_EQ(seen, child_end::right);                                              \
  } while (false)

TEST(AuditWhereCallsAreRefused, ReadsThroughAFileWhatItMayNotReadByACall) {
  MAYFLY_EXPECT_RIGHT(where_refused({SYS_process_vm_readv}, [] { return is(audit_what_is_held(), 1, 3, true); }));
}

TEST(AuditWhereCallsAreRefused, SaysThatItCouldReadNothing) {
  MAYFLY_EXPECT_RIGHT(
      where_refused({SYS_process_vm_readv, SYS_pread64}, [] { return is(audit_what_is_held(), 0, 0, false); }));
}

TEST(AuditWhereCallsAreRefused, SaysForEachKindOfMemoryThatItCouldNotReadIt) {
  MAYFLY_EXPECT_RIGHT(where_refused({SYS_process_vm_readv, SYS_pread64}, [] {
    audited with{{.one_in = 0}};
    static_cast<void>(with.int_in_scope());
    audit_result const globals = audit_scope(with.scope(), {.thread_locals = false, .heap = false});
    audit_result const heap = audit_scope(with.scope(), {.globals = false, .thread_locals = false});
    return is(globals, 0, 0, false) && is(heap, 0, 0, false);
  }));
}

/// What the first words of each page say decides whether a mapping is a heap. Here they alone cannot be read.
TEST(AuditWhereCallsAreRefused, SaysThatItCouldNotTellWhichMappingsAreHeaps) {
  if (detail::sanitized || test::thread_sanitized) GTEST_SKIP() << "sanitizers know their heaps";
  auto const audit_the_heap = [] {
    audited with{{.one_in = 0}};
    std::vector<void const*> mapped(100'000);
    mapped[70'000] = with.int_in_scope();
    return audit_scope(with.scope(), {.globals = false, .thread_locals = false});
  };
  MAYFLY_EXPECT_RIGHT(where_refused({SYS_process_vm_readv}, [&] { return is(audit_the_heap(), 0, 1, true); }));
  constexpr std::uint32_t head_bytes = 16;
  MAYFLY_EXPECT_RIGHT(where_refused({SYS_process_vm_readv, {SYS_pread64, head_bytes}},
                                    [&] { return is(audit_the_heap(), 0, 0, false); }));
}

TEST(AuditWhereCallsAreRefused, SaysThatItDoesNotKnowOtherThreads) {
  MAYFLY_EXPECT_RIGHT(where_refused({SYS_get_robust_list}, [] {
    bool const alone = !test::thread_sanitized;  // ThreadSanitizer has a thread of its own
    return is(audit_an_int(), 0, 0, alone) && is(audit_an_int_beside_a_thread(), 0, 0, false);
  }));
}

TEST(AuditWhereCallsAreRefused, SaysThatItDoesNotKnowWhichThreadsThereAre) {
  MAYFLY_EXPECT_RIGHT(where_refused({SYS_getdents64}, [] { return is(audit_an_int(), 0, 0, false); }));
}

TEST(AuditWhereThereIsMoreThanItHasRoomFor, LibrariesAreCutAndItSaysSo) {
  auto const folder = std::filesystem::temp_directory_path() / ("mayfly_audit_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::vector<void*> libraries;
  EXPECT_TRUE(is(audit_an_int(), 0, 0, true));
  for (int i = 0; i < 256; ++i) {
    auto const copy = folder / (std::to_string(i) + ".so");
    std::filesystem::copy_file(AUDIT_LATE_LIBRARY, copy);
    libraries.push_back(::dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL));
  }
  EXPECT_FALSE(audit_an_int().complete);
  for (void* const each : libraries) {
    EXPECT_NE(each, nullptr);
    if (each != nullptr) ::dlclose(each);
  }
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(is(audit_an_int(), 0, 0, true));
}

TEST(AuditWhereThereIsMoreThanItHasRoomFor, SegmentsOfALibraryAreCutAndItSaysSo) {
  void* const library = ::dlopen(AUDIT_SEGMENTS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  EXPECT_FALSE(audit_an_int().complete);
  ::dlclose(library);
  EXPECT_TRUE(audit_an_int().complete);
}

}  // namespace
}  // namespace mayfly
