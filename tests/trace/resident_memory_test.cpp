#include "resident_memory.hpp"

#include "support.hpp"
#include "thread_sanitizer.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <sys/mman.h>

namespace mayfly::trace {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20U;

/// So much memory is resident, and then it is not.
void hold_for_a_moment(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, bytes);
  ::munmap(memory, bytes);
}

TEST(PeakMeter, ForgetsAnOlderPeakWhereTheSystemDoes) {
  if (test::thread_sanitized) GTEST_SKIP() << "what ThreadSanitizer notes of memory is resident, too";
  resident_meter const resident;
  hold_for_a_moment(64 * mib);
  std::size_t const before = resident.now();
  peak_meter peak;
  peak.start(before);
  hold_for_a_moment(16 * mib);
  if (!peak.is_exact()) GTEST_SKIP() << "this system keeps the older peak";
  EXPECT_GE(peak.peak(), before + 15 * mib);
  EXPECT_LT(peak.peak(), before + 32 * mib);
}

/// A container may refuse the write, or take it and do nothing: either way the old peak is not taken for a new one.
TEST(PeakMeter, GoesByWhatItWasShownWhereTheSystemDoesNotForget) {
  resident_meter const resident;
  hold_for_a_moment(64 * mib);
  for (char const* refusing : {"/no/such/file", "/dev/null"}) {
    std::size_t const before = resident.now();
    peak_meter peak{refusing};
    peak.start(before);
    EXPECT_FALSE(peak.is_exact()) << refusing;
    peak.see(before + 3 * mib);
    peak.see(before + mib);
    EXPECT_EQ(peak.peak(), before + 3 * mib) << refusing;
  }
}

TEST(ResidentMeter, SeesWhatIsTouched) {
  if (test::thread_sanitized) GTEST_SKIP() << "ThreadSanitizer gives back what it notes when it likes";
  resident_meter const resident;
  std::size_t const before = resident.now();
  ASSERT_GT(before, 0U);
  constexpr std::size_t held = 16 * mib;
  void* const memory = ::mmap(nullptr, held, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, held);
  EXPECT_GE(resident.now() + mib, before + held);
  ::munmap(memory, held);
}

}  // namespace
}  // namespace mayfly::trace
