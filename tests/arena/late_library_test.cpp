// A program without mayfly that loads a library with it.
#include <gtest/gtest.h>

#include <cstddef>
#include <thread>

#include <dlfcn.h>

namespace {

TEST(LateLibrary, WithDynamicThreadLocalsMayHaveAnySizeOfThem) {
  void* const library = dlopen(LATE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  auto* const is_unassigned = reinterpret_cast<bool (*)()>(dlsym(library, "late_is_unassigned"));
  auto* const local = reinterpret_cast<std::byte* (*)()>(dlsym(library, "late_thread_local"));
  std::byte* there = nullptr;
  std::jthread{[&] {
    EXPECT_TRUE(is_unassigned());
    there = local();
  }}.join();
  EXPECT_TRUE(is_unassigned());
  EXPECT_NE(local(), nullptr);
  EXPECT_NE(there, nullptr);
  dlclose(library);
}

}  // namespace
