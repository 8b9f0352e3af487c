#include "chunk.hpp"

#include "format.hpp"

#include <algorithm>
#include <cstring>

namespace mayfly::trace {
namespace {

// A record is written in one go: where it ends is known to the block only once it is whole.

std::byte* put(std::byte* to, record_kind kind) noexcept {
  *to = static_cast<std::byte>(kind);
  return to + 1;
}

std::byte* put(std::byte* to, std::span<std::byte const> bytes) noexcept {
  to = write_varint(to, bytes.size());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

std::byte* chunk::put_time(std::byte* to, std::uint64_t at_ns) const noexcept {
  return write_varint(to, zigzag(static_cast<std::int64_t>(at_ns - base_ns_)));
}

void chunk::begin(std::uint32_t thread, std::uint64_t now_ns) noexcept {
  route_count_ = 0;
  base_ns_ = now_ns;
  set_end(write_varint(write_varint(bytes_.data(), thread), now_ns));
  begun_ = used_;
}

bool chunk::add_opened(std::uint64_t request, std::uint64_t at_ns) noexcept {
  if (!has_room(0)) return false;
  std::byte* to = put(end(), record_kind::opened);
  to = write_varint(to, request);
  set_end(put_time(to, at_ns));
  return true;
}

bool chunk::add_ended(std::uint64_t request, std::string_view route, std::uint8_t outcome,
                      std::uint64_t at_ns) noexcept {
  route = route.substr(0, longest_route);
  if (!has_room(route.size())) return false;
  auto const known = std::span{routes_}.first(route_count_);
  auto const found = std::ranges::find_if(
      known, [&](std::string_view const each) { return each.data() == route.data() && each.size() == route.size(); });
  auto const number = static_cast<std::size_t>(found - known.begin());
  std::byte* to = end();
  if (found == known.end()) {
    if (route_count_ == most_routes) return false;
    routes_[route_count_++] = route;
    to = put(put(to, record_kind::route), std::as_bytes(std::span{route}));
  }
  to = put(to, record_kind::ended);
  to = write_varint(to, request);
  to = write_varint(to, number);
  to = write_varint(to, outcome);
  set_end(put_time(to, at_ns));
  return true;
}

bool chunk::add_part(std::uint64_t life, std::uint64_t index, std::span<std::byte const> operations) noexcept {
  if (!has_room(operations.size())) return false;
  std::byte* to = put(end(), record_kind::part);
  to = write_varint(to, life);
  to = write_varint(to, index);
  set_end(put(to, operations));
  return true;
}

bool chunk::add_arena(arena_end const& end, std::span<std::byte const> operations) noexcept {
  if (!has_room(operations.size())) return false;
  std::byte* to = put(this->end(), record_kind::arena);
  to = write_varint(to, end.life);
  to = write_varint(to, end.parts);
  to = write_varint(to, end.request);
  to = write_varint(to, end.opened_by);
  to = write_varint(to, end.first_class);
  to = put_time(to, end.opened_ns);
  to = write_varint(to, end.closed_ns - end.opened_ns);
  to = write_varint(to, end.allocations);
  set_end(put(to, operations));
  return true;
}

}  // namespace mayfly::trace
