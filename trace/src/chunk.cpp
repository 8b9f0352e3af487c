#include "chunk.hpp"

#include "format.hpp"

#include <algorithm>
#include <cstring>

namespace mayfly::trace {

void chunk::begin(std::uint32_t thread, std::uint64_t now_ns) noexcept {
  used_ = 0;
  route_count_ = 0;
  base_ns_ = now_ns;
  put(thread);
  put(now_ns);
  begun_ = used_;
}

void chunk::put(std::uint64_t value) noexcept {
  used_ = static_cast<std::size_t>(write_varint(bytes_.data() + used_, value) - bytes_.data());
}

void chunk::put_time(std::uint64_t at_ns) noexcept { put(zigzag(static_cast<std::int64_t>(at_ns - base_ns_))); }

void chunk::put_bytes(std::span<std::byte const> bytes) noexcept {
  put(bytes.size());
  if (!bytes.empty()) std::memcpy(bytes_.data() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

bool chunk::add_opened(std::uint64_t request, std::uint64_t at_ns) noexcept {
  if (!has_room(0)) return false;
  put(static_cast<std::uint64_t>(record_kind::opened));
  put(request);
  put_time(at_ns);
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
  if (found == known.end()) {
    if (route_count_ == most_routes) return false;
    routes_[route_count_++] = route;
    put(static_cast<std::uint64_t>(record_kind::route));
    put_bytes(std::as_bytes(std::span{route}));
  }
  put(static_cast<std::uint64_t>(record_kind::ended));
  put(request);
  put(number);
  put(outcome);
  put_time(at_ns);
  return true;
}

bool chunk::add_part(std::uint64_t life, std::uint64_t index, std::span<std::byte const> operations) noexcept {
  if (!has_room(operations.size())) return false;
  put(static_cast<std::uint64_t>(record_kind::part));
  put(life);
  put(index);
  put_bytes(operations);
  return true;
}

bool chunk::add_arena(arena_end const& end, std::span<std::byte const> operations) noexcept {
  if (!has_room(operations.size())) return false;
  put(static_cast<std::uint64_t>(record_kind::arena));
  put(end.life);
  put(end.parts);
  put(end.request);
  put(end.opened_by);
  put(end.first_class);
  put_time(end.opened_ns);
  put(end.closed_ns - end.opened_ns);
  put(end.allocations);
  put_bytes(operations);
  return true;
}

}  // namespace mayfly::trace
