#include "support.hpp"
#include <mayfly/detail/egress_check.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>

extern "C" void* __libc_malloc(std::size_t) noexcept;

// Exceptions made while the heap is exhausted. A program of its own: it replaces malloc.
namespace {

std::atomic<bool> exhausted{false};

}  // namespace

extern "C" void* malloc(std::size_t bytes) noexcept { return exhausted ? nullptr : __libc_malloc(bytes); }

namespace mayfly {
namespace {

struct large {
  std::array<void const*, 40> words{};
};

/// As it is thrown where malloc fails: libstdc++ has some 70 KiB for that.
template <class Exception>
std::exception_ptr thrown_from_the_reserve(Exception const& what) {
  exhausted = true;
  std::exception_ptr error;
  try {
    throw what;
  } catch (...) {
    error = std::current_exception();
  }
  exhausted = false;
  return error;
}

TEST(ExhaustedHeap, AnExceptionFromTheReserveOfTheRuntimeIsNotTakenForAHeapBlock) {
  test::scopes s;
  scope& from = s.open("throws");
  auto const escapes = [&](std::exception_ptr const& error) {
    return detail::find_escape_in_exception(error, from).has_value();
  };
  // Parts of all sizes that are given back in no order: in front of the next ones lies what was written there before.
  std::array<std::exception_ptr, 32> errors;
  for (std::size_t round = 0; round < 8; ++round) {
    for (std::size_t i = 0; i < errors.size(); ++i) {
      errors[i] = (i + round) % 3 == 0 ? thrown_from_the_reserve(large{}) : thrown_from_the_reserve(42);
      EXPECT_FALSE(escapes(errors[i]));
    }
    for (std::size_t i = round % 2; i < errors.size(); i += 2) errors[i] = nullptr;
  }
  errors.fill(nullptr);

  // The heap's own are still looked at.
  large guilty;
  guilty.words[3] = test::inside(from, [&] { return from.arena().allocate(8, 8); });
  EXPECT_TRUE(escapes(std::make_exception_ptr(guilty)));
  from.close();
}

}  // namespace
}  // namespace mayfly
