#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace mayfly {

class scope;
class scope_id;
struct escape_report;

namespace detail {

class resource_ring;

/// The pmr face of one tenancy of a slot: finds the calling thread's lane at every call, and answers a call that comes
/// after its scope has ended with a report (S14). One word, the pointer to its functions: which slot and which tenancy
/// it speaks for is told by where it lies.
class scope_resource final : public std::pmr::memory_resource {
 private:
  friend class resource_ring;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }

  [[nodiscard]] inline scope& slot() const noexcept;
  /// Whether the tenant of that generation is the one it speaks for, or one 32 tenancies before or behind. Asked on
  /// threads that are not inside the scope; one that is inside compares `scope::serving_`.
  [[nodiscard]] inline bool serves(std::uint64_t generation) const noexcept;
  [[nodiscard]] void* allocate_otherwise(std::size_t bytes, std::size_t alignment) const;
  [[noreturn, gnu::cold]] void refuse(std::size_t bytes) const;
  void take_back_outside(void const* memory, std::size_t bytes) const noexcept;
  [[gnu::cold]] void report_late(void const* memory, std::size_t bytes) const noexcept;
  [[gnu::cold]] static void report_foreign(void const* memory, std::size_t bytes, scope_id holder) noexcept;
  [[gnu::cold]] void tell(escape_report& late) const noexcept;
};

/// A slot's resources, which its tenants take in turn. Made when the slot is first used and never written again, so
/// that a stale caller on any thread finds a whole object, for ever.
class alignas(256) resource_ring {
 public:
  static constexpr std::size_t size = 32;

  [[nodiscard]] scope_resource& of(std::uint64_t generation) noexcept { return resources_[generation % size]; }

 protected:
  resource_ring() noexcept = default;
  ~resource_ring() = default;
  resource_ring(resource_ring const&) = delete;
  resource_ring& operator=(resource_ring const&) = delete;

 private:
  std::array<scope_resource, size> resources_;
};
static_assert(sizeof(scope_resource) == sizeof(void*));
static_assert(sizeof(resource_ring) == alignof(resource_ring), "an element's address tells the ring's");

}  // namespace detail
}  // namespace mayfly
