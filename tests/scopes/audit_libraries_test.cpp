#include "audit_library/held.hpp"
#include "audit_library/stripped.hpp"
#include "audit_support.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>
#include <string>
#include <thread>

#include <dlfcn.h>

namespace mayfly {
namespace {

using test::audited;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

auto named(std::string const& part) { return Field("holder", &test::heard::holder, HasSubstr(part)); }

/// The library that no executable is linked to.
class late_library {
 public:
  late_library() : handle_{dlopen(AUDIT_LATE_LIBRARY, RTLD_NOW | RTLD_LOCAL)} {
    if (handle_ == nullptr) throw std::runtime_error{dlerror()};
  }
  ~late_library() { dlclose(handle_); }
  late_library(late_library const&) = delete;
  late_library& operator=(late_library const&) = delete;

  [[nodiscard]] void const*& variable(char const* accessor) const {
    auto const call = reinterpret_cast<void const** (*)()>(dlsym(handle_, accessor));
    return *call();
  }

 private:
  void* handle_;
};

TEST(AuditOfLibraries, AGlobalIsNamedWithItsLibrary) {
  audited with;
  library_global() = with.int_in_scope();
  with.close();
  library_global() = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(named("held_by_library"), named(" in libaudit_library.so"))));
}

TEST(AuditOfLibraries, AStrippedLibraryStillNamesWhatItExports) {
  audited with;
  stripped_exported() = with.int_in_scope();
  with.close();
  stripped_exported() = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(named("exported_by_stripped_library in libaudit_stripped.so")));
}

TEST(AuditOfLibraries, WithoutANameThePlaceInTheLibraryIsTold) {
  audited with;
  stripped_not_exported() = with.int_in_scope();
  stripped_thread_local() = stripped_not_exported();
  with.close();
  stripped_not_exported() = nullptr;
  stripped_thread_local() = nullptr;
  EXPECT_THAT(with.reports(),
              ElementsAre(AllOf(named("a global without a name at 0x"), named(" in libaudit_stripped.so")),
                          AllOf(named("a thread-local without a name at 0x"), named(" in libaudit_stripped.so"))));
}

TEST(AuditOfLibraries, WhatWasLoadedLateIsSearchedToo) {
  late_library const late;
  audited with;
  late.variable("late_global") = with.int_in_scope();
  with.close();
  late.variable("late_global") = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(named("held_by_late_library"), named(" in libaudit_late.so"))));
}

/// Thread-locals of late libraries lie in heap blocks: each is told of once, and as what it is.
TEST(AuditOfLibraries, ThreadLocalsOfALateLibraryAreNamedInThisThreadAndOthers) {
  late_library const late;
  audited with;
  void const* const object = with.int_in_scope();
  std::latch stored{1};
  std::latch audit_done{1};
  std::thread other{[&] {
    late.variable("late_thread_local") = object;
    stored.count_down();
    audit_done.wait();
  }};
  std::latch idle_started{1};
  std::thread has_none{[&] {
    idle_started.count_down();
    audit_done.wait();
  }};
  stored.wait();
  idle_started.wait();
  late.variable("late_thread_local") = object;
  with.close();
  late.variable("late_thread_local") = nullptr;
  audit_done.count_down();
  other.join();
  has_none.join();
  EXPECT_THAT(with.reports(), ElementsAre(named("held_late of thread "), named("held_late of thread ")));
}

}  // namespace
}  // namespace mayfly
