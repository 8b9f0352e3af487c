// A guarded scope's end: its memory goes into the pool's quarantine, with a note of whose it was.

#include "guarded_note.hpp"
#include <mayfly/detail/thread_id.hpp>
#include <mayfly/scope_registry.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mayfly {
namespace detail {
namespace {

constexpr std::size_t first_route_word = 3;

std::uint64_t bits_of(scope_clock::time_point time) noexcept {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

scope_clock::time_point time_of(std::uint64_t bits) noexcept {
  return scope_clock::time_point{scope_clock::duration{static_cast<scope_clock::rep>(bits)}};
}

std::uint64_t pair_of(std::int32_t first, std::int32_t second) noexcept {
  return std::uint64_t{static_cast<std::uint32_t>(first)} << 32U | static_cast<std::uint32_t>(second);
}

}  // namespace

quarantine_note note_of(scope const& ended) noexcept {
  quarantine_note note{.owner = ended.id().bits()};
  note.words[0] = bits_of(ended.opened());
  note.words[1] = bits_of(scope_clock::now());
  note.words[2] = pair_of(ended.opener_thread(), this_thread_id());
  noted_route text{};
  std::string_view const route = ended.route().substr(0, longest_noted_route);
  text[0] = static_cast<char>(route.size());
  std::copy(route.begin(), route.end(), text.begin() + 1);
  std::memcpy(&note.words[first_route_word], text.data(), text.size());
  return note;
}

escape_report late_access_of(quarantine_note const& note, void const* address, noted_route& route) noexcept {
  std::memcpy(route.data(), &note.words[first_route_word], route.size());
  return {.rule = escape_rule::late_access,
          .address = address,
          .scope = scope_id::from_bits(note.owner),
          .route = {route.data() + 1, static_cast<std::size_t>(route[0])},
          .opened = time_of(note.words[0]),
          .closed = time_of(note.words[1]),
          .opened_thread = static_cast<std::int32_t>(note.words[2] >> 32U),
          .closed_thread = static_cast<std::int32_t>(note.words[2])};
}

}  // namespace detail

/// In tear_down()'s place, for a scope that is guarded: its destructors have run, all its memory goes.
void scope::quarantine_memory() noexcept {
  detail::page_quarantine* const quarantine = registry_->pool().quarantine();
  if (quarantine == nullptr || reserved_bytes() == 0) return;
  detail::quarantine_admission into{*quarantine, detail::note_of(*this)};
  // Relaxed: sync scope-hold has shown us every lane.
  detail::lane* lane = lanes_.load(std::memory_order_relaxed);
  while (lane != nullptr) {
    mayfly::arena last = std::move(lane->memory);  // the lane lies in a page of its own arena
    lane = lane->next;
    last.reset_into(into);
  }
  lanes_.store(nullptr, std::memory_order_relaxed);  // relaxed: published by the slot's way through the free list
  main_.reset_into(into);
}

}  // namespace mayfly
