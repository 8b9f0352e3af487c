#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/lifetimebound.hpp>

#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>

#include <cstddef>
#include <new>
#include <type_traits>

namespace mayfly {

/// Boost.JSON storage in an arena. Boost.JSON is told that deallocation is trivial: dropping a value, object or array
/// walks nothing, the tree goes with the arena. Must not outlive the arena; same thread rules as the arena.
class json_resource final : public boost::json::memory_resource {
 public:
  explicit json_resource(arena& memory) noexcept : arena_{&memory} {}

  [[nodiscard]] arena& get() const noexcept { return *arena_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override { return arena_->allocate(bytes, alignment); }

  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    arena_->deallocate(memory, bytes, alignment);
  }

  [[nodiscard]] bool do_is_equal(boost::json::memory_resource const& other) const noexcept override {
    auto const* const same = dynamic_cast<json_resource const*>(&other);
    return same != nullptr && same->arena_ == arena_;
  }

  arena* arena_;
};

}  // namespace mayfly

template <>
struct boost::json::is_deallocate_trivial<mayfly::json_resource> : std::true_type {};

namespace mayfly {

/// Storage for boost::json::parse and friends whose resource lies in the arena too, so that values made with it are
/// good for as long as the arena is.
[[nodiscard]] inline boost::json::storage_ptr json_storage(arena& memory MAYFLY_LIFETIMEBOUND) {
  // Not make(): its destructor is virtual, hence not trivial, but does nothing; recording it would cost 128 bytes.
  return boost::json::storage_ptr{::new (memory.allocate(sizeof(json_resource), alignof(json_resource)))
                                      json_resource{memory}};
}

}  // namespace mayfly
