// Whoever keeps the address of a scope that has ended finds no other scope of its generation there, ever (S12), also
// where registries come and go and slots' memory and numbers are put together anew.

#include "support.hpp"
#include <mayfly/scope_registry.hpp>
#include <mayfly/stop_token.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>

namespace mayfly {
namespace {

/// Of no other test's registry: what is left of that size is what this test has left.
constexpr std::uint32_t capacity = 1'237;

TEST(SlotMemory, GenerationsGoOnWhereMemoryMeetsOtherSlotNumbersAndIsLeftUnused) {
  page_pool pool{{.reserve_bytes = std::size_t{64} << 20U}};
  auto const make = [&pool](std::uint32_t slots) {
    return std::make_unique<scope_registry>(pool, scope_registry_options{.capacity = slots});
  };
  // Both have numbers of their own, which never join, as small registries lie between them.
  auto busy = make(capacity);
  auto const between = make(1);
  auto idle = make(capacity);
  auto const behind = make(1);
  scope* const first = idle->open({});
  std::uint64_t const idle_generation = first->id().generation();
  first->close();

  constexpr int tenants = 200;
  scope const* address = nullptr;
  std::optional<stop_token> old;
  for (int i = 0; i < tenants; ++i) {
    scope* const opened = busy->open({});
    address = opened;
    old.emplace(opened->token());
    if (opened->id().generation() < idle_generation + tenants / 2) old.reset();
    opened->close();
    if (old) break;
  }
  ASSERT_TRUE(old) << "the busy registry is far beyond the idle one";
  ASSERT_TRUE(old->stop_requested());

  busy.reset();
  idle.reset();
  auto const crossed = make(capacity);  // the numbers of the one, the memory of the other
  make(capacity).reset();               // and the other way round; it opens nothing
  auto const last = make(capacity);
  bool same_address = false;
  for (int i = 0; i < 2 * tenants; ++i) {
    scope* const opened = last->open({});
    same_address = same_address || opened == address;
    ASSERT_TRUE(old->stop_requested()) << "of generation " << opened->id().generation();
    opened->close();
  }
  EXPECT_TRUE(same_address) << "the memory was not used again";
}

}  // namespace
}  // namespace mayfly
