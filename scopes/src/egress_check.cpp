#include <mayfly/detail/egress_check.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/escape_refused.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_registry.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace mayfly {
namespace {

std::string text_of(escape_report const& report) {
  std::array<char, longest_escape_report> text;
  return {text.data(), format_text(report, text)};
}

}  // namespace

escape_refused::escape_refused(escape_report const& report)
    : std::runtime_error{text_of(report)}, rule_{report.rule}, scope_{report.scope} {}

namespace detail {

address_range reservation_of(scope const& of) noexcept {
  page_pool const& pool = of.registry().pool();
  return {reinterpret_cast<std::uintptr_t>(pool.page_address(0)), pool.reserved_bytes()};
}

scope const* owner_in_line(scope const& from, void const* address, egress_reach reach) noexcept {
  std::uint64_t const owner = from.registry().pool().owner_of(address);
  if (owner == 0 || MAYFLY_MUTANT("egress-sees-nothing")) return nullptr;
  for (scope const* each = &from; each != nullptr; each = each->parent()) {
    if (each->id().bits() == owner) return each;
    if (reach == egress_reach::itself) return nullptr;
  }
  return nullptr;
}

scope const* resource_in_line(scope const& from, void const* address, egress_reach reach) noexcept {
  for (scope const* each = &from; each != nullptr; each = each->parent()) {
    if (const_cast<scope*>(each)->memory() == address) return each;
    if (reach == egress_reach::itself) return nullptr;
  }
  return nullptr;
}

scope const* scope_question::lender(void const* address) const noexcept {
  scope const* const owner = owner_in_line(from, address, reach);
  return owner != nullptr ? owner : resource_in_line(from, address, reach);
}

bool scope_question::escapes(void const* address) const noexcept {
  scope const* const owner = lender(address);
  return owner != nullptr && !(owner->kept() && brings(value, holder_range(*owner)));
}

address_filter scope_question::filter() const noexcept {
  return {.matters =
              [](void const* asked, void const* address) noexcept {
                return static_cast<scope_question const*>(asked)->escapes(address);
              },
          .context = this,
          .held_by = [](void const* asked, std::exception_ptr const& error) noexcept -> void const* {
            auto const& question = *static_cast<scope_question const*>(asked);
            auto const found = find_escape_in_exception(error, question.from, question.reach);
            return found && question.escapes(found->address) ? found->address : nullptr;
          }};
}

escape_report describe(escape_rule rule, scope const& owner, egress_hit const& hit) noexcept {
  return {.rule = rule,
          .address = hit.address,
          .scope = owner.id(),
          .route = owner.route(),
          .opened = owner.opened(),
          .opened_thread = owner.opener_thread(),
          .offset = hit.offset};
}

bool stops(escape_report const& report, egress_action action) noexcept {
  report_escape(report);
  if (action == egress_action::abort) std::abort();
  return action == egress_action::refuse;
}

namespace {

/// The bytes of an object whose members nobody can name.
struct raw_bytes {
  void const* first;
  std::size_t count;
  padding of_bytes;

  /// The first word in the range that `matters`.
  template <class Matters>
  [[nodiscard]] std::optional<egress_hit> find(address_range range, Matters const& matters) const noexcept {
    for (std::size_t done = 0; auto const hit = find_address_in_bytes(first, count, range, done);) {
      done = hit->offset + sizeof(void*);
      bool const bool_in_front = (reinterpret_cast<std::uintptr_t>(hit->address) & 0xfeU) == 0;
      if (of_bytes == padding::unknown && bool_in_front) continue;
      if (matters(hit->address)) return hit;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool brings_hold_of(scope const& owner) const noexcept {
    return owner.kept() && find_address_in_bytes(first, count, holder_range(owner));
  }
};

address_range object_range(scope const& of) noexcept { return {reinterpret_cast<std::uintptr_t>(&of), sizeof(scope)}; }

/// Whether any word of it could speak for the scope, at one look: nearly nothing that is sent has one.
bool may_speak_for(raw_bytes const& of, scope const& owner) noexcept {
  address_range const pages = reservation_of(owner);
  address_range const itself = object_range(owner);
  std::uintptr_t const context = owner.context();
  auto const first = reinterpret_cast<std::uintptr_t>(of.first);
  std::uintptr_t const end = first + of.count;
  unsigned found = 0;  // no branch for each
  for (std::uintptr_t at = (first + sizeof(void*) - 1) & ~(sizeof(void*) - 1); at + sizeof(void*) <= end;
       at += sizeof(void*)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, as_address(at), sizeof word);
    found |= static_cast<unsigned>(pages.has(word)) | static_cast<unsigned>(itself.has(word)) |
             static_cast<unsigned>(word == context);
  }
  return found != 0;
}

/// An address, or that of a bound function; not the marked one of what may go where it likes.
bool is_handle(void const* address) noexcept {
  constexpr auto harmless =
      static_cast<std::uintptr_t>(scope_mark::keeps) | static_cast<std::uintptr_t>(scope_mark::watches);
  return (reinterpret_cast<std::uintptr_t>(address) & harmless) == 0;
}

/// What speaks for a scope without lying in one of its pages.
std::optional<egress_hit> find_handle(raw_bytes const& of, scope const& owner) noexcept {
  auto hit = of.find(object_range(owner), &is_handle);
  if (hit && !of.brings_hold_of(owner)) return hit;
  std::uintptr_t const context = owner.context();
  if (context == 0) return std::nullopt;
  return of.find({context, 1}, &is_handle);
}

}  // namespace

std::optional<escape_report> find_escape_in_bytes(escape_rule rule, void const* bytes, std::size_t count,
                                                  scope const& from, padding of_bytes) noexcept {
  raw_bytes const looked_at{bytes, count, of_bytes};
  if (from.parent() == nullptr && !may_speak_for(looked_at, from)) [[likely]]
    return std::nullopt;
  scope const* owner = nullptr;
  auto const hit = looked_at.find(reservation_of(from), [&](void const* address) {
    owner = owner_in_line(from, address, egress_reach::line);
    return owner != nullptr && !looked_at.brings_hold_of(*owner);
  });
  if (hit) return describe(rule, *owner, *hit);
  if (MAYFLY_MUTANT("egress-knows-pages-alone")) return std::nullopt;
  for (scope const* each = &from; each != nullptr; each = each->parent()) {
    if (auto const handle = find_handle(looked_at, *each)) return describe(rule, *each, *handle);
  }
  return std::nullopt;
}

}  // namespace detail
}  // namespace mayfly
