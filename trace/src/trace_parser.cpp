#include "trace_parser.hpp"

#include "operation_check.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace mayfly::trace {
namespace {

constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t most_outcome = 255;
/// Times stay below 2^62 ns, 146 years, so that differences cannot overflow.
constexpr std::uint64_t latest_ns = std::uint64_t{1} << 62U;

std::string_view as_text(std::span<std::byte const> bytes) noexcept {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace

void trace_parser::parse() {
  parse_head();
  for (bool ended = false; !ended;) {
    std::size_t const start = in_.offset();
    if (in_.left() == 0) in_.fail("the trace has no end: its recording was cut off, or the file was; record it again");
    std::uint32_t const bytes = in_.read_u32();
    std::uint32_t const expected = in_.read_u32();
    auto const kind = in_.read_bytes(1, "a block's head").front();
    if (bytes > longest_block) in_.fail(start, "corrupt: a block of " + std::to_string(bytes) + " bytes");
    cursor look = in_;
    auto const content = look.read_bytes(bytes, "a block: its recording was cut off, or the file was; record it again");
    if (checksum(content, checksum(std::span{&kind, 1})) != expected)
      in_.fail(start, "corrupt: a block's checksum is wrong; copy or record it again");
    cursor block = in_.sub(bytes);
    switch (static_cast<block_kind>(kind)) {
      case block_kind::records:
        parse_records(block);
        break;
      case block_kind::trailer:
        parse_trailer(block);
        ended = true;
        break;
      default:
        in_.fail(start, "corrupt: a block of kind " + std::to_string(std::to_integer<int>(kind)));
    }
  }
  if (in_.left() != 0) in_.fail("corrupt: something follows the trace's end");
  join();
  check_totals();
  set_beginnings();
}

void trace_parser::parse_head() {
  if (in_.left() < magic.size() ||
      as_text(in_.read_bytes(magic.size(), "")) != std::string_view{magic.data(), magic.size()}) {
    in_.fail(0, "is no trace of mayfly: it does not begin with 'mayflytr'");
  }
  std::uint32_t const of_version = in_.read_u32();
  if (of_version == 0 || of_version > version) {
    in_.fail(magic.size(), "is a trace of version " + std::to_string(of_version) + ", and this program reads up to " +
                               std::to_string(version) + ": use the mayfly that recorded it, or a later one");
  }
  std::uint32_t const bytes = in_.read_u32();
  std::uint32_t const expected = in_.read_u32();
  std::size_t const start = in_.offset();
  if (bytes > longest_settings) in_.fail(start, "corrupt: settings of " + std::to_string(bytes) + " bytes");
  auto const text = in_.read_bytes(bytes, "its settings");
  if (checksum(text) != expected) in_.fail(start, "corrupt: the checksum of its settings is wrong");
  try {
    trace_.settings_ = settings_from_json(as_text(text));
  } catch (std::runtime_error const& error) {
    in_.fail(start, std::string("corrupt: ") + error.what());
  }
}

void trace_parser::parse_records(cursor block) {
  block_context context;
  context.thread = static_cast<std::uint32_t>(block.read_number("a thread's number", most_threads - 1));
  context.base_ns = block.read_number("a time", latest_ns);
  trace_.threads_ = std::max(trace_.threads_, context.thread + 1);
  while (block.left() != 0) parse_record(block, context);
}

void trace_parser::parse_record(cursor& block, block_context& context) {
  std::size_t const start = block.offset();
  switch (static_cast<record_kind>(block.read_number("the kind of a record", 255))) {
    case record_kind::route:
      context.routes.push_back(
          route_named(as_text(block.read_bytes(block.read_number("a name's length", longest_route), "a name"))));
      return;
    case record_kind::opened: {
      std::uint64_t const id = block.read_varint();
      opened_.insert_or_assign(id, read_time(block, context));
      return;
    }
    case record_kind::ended:
      return parse_ended(block, context);
    case record_kind::part: {
      std::uint64_t const life = block.read_varint();
      std::uint64_t const index = block.read_varint();
      auto const operations = block.read_bytes(block.read_number("a part's length", longest_block), "a part");
      if (!parts_[life].of.emplace(index, operations).second)
        block.fail(start, "corrupt: a part that is there already");
      return;
    }
    case record_kind::arena:
      return parse_arena(block, context);
  }
  block.fail(start, "corrupt: a record of a kind that there is not");
}

std::uint64_t trace_parser::read_time(cursor& block, block_context const& context) const {
  std::size_t const start = block.offset();
  std::int64_t const delta = unzigzag(block.read_varint());
  auto const base = static_cast<std::int64_t>(context.base_ns);
  auto const limit = static_cast<std::int64_t>(latest_ns);
  if (delta > limit || delta < -limit || base + delta < 0 || base + delta > limit)
    block.fail(start, "corrupt: a time that cannot be");
  return static_cast<std::uint64_t>(base + delta);
}

void trace_parser::parse_ended(cursor& block, block_context const& context) {
  request ended;
  ended.id = block.read_varint();
  std::size_t const at = block.offset();
  std::uint64_t const number = block.read_varint();
  if (number >= context.routes.size()) block.fail(at, "corrupt: a route that the block does not name");
  ended.route = context.routes[number];
  ended.outcome = static_cast<std::uint8_t>(block.read_number("an outcome", most_outcome));
  ended.closed_ns = read_time(block, context);
  trace_.requests_.push_back(ended);
}

void trace_parser::parse_arena(cursor& block, block_context const& context) {
  std::size_t const start = block.offset();
  arena_life life;
  std::uint64_t const number = block.read_varint();
  std::uint64_t const count = block.read_varint();
  life.request = block.read_varint();
  life.opened_by = static_cast<std::uint32_t>(block.read_number("a thread's number", most_threads - 1));
  life.first_class = static_cast<std::uint32_t>(block.read_number("a page class", page_pool_options::classes - 1));
  life.opened_ns = read_time(block, context);
  life.closed_ns = life.opened_ns + block.read_number("a length of time", latest_ns);
  life.allocations = block.read_varint();
  life.closed_by = context.thread;
  life.operations = block.read_bytes(block.read_number("a part's length", longest_block), "an arena's operations");
  trace_.threads_ = std::max(trace_.threads_, life.opened_by + 1);
  if (number != 0) unjoined_.push_back({trace_.arenas_.size(), number, count, start});
  trace_.arenas_.push_back(life);
  offsets_.push_back(start);
}

std::uint32_t trace_parser::route_named(std::string_view name) {
  auto const [place, is_new] =
      routes_.try_emplace(std::string(name), static_cast<std::uint32_t>(trace_.routes_.size()));
  if (is_new) trace_.routes_.emplace_back(name);
  return place->second;
}

void trace_parser::parse_trailer(cursor block) {
  for (std::uint64_t* const number : {&trace_.totals_.requests, &trace_.totals_.arenas, &trace_.totals_.allocations,
                                      &trace_.totals_.dropped_requests, &trace_.totals_.dropped_arenas}) {
    *number = block.read_number("a total", any);
  }
  if (block.left() != 0) block.fail("corrupt: the trace's end is longer than it is");
}

/// Puts lives together that came in parts, and looks at what all of them do.
void trace_parser::join() {
  for (unjoined const& each : unjoined_) {
    auto const found = parts_.find(each.life);
    std::size_t const have = found == parts_.end() ? 0 : found->second.of.size();
    bool const whole = have == each.count && (have == 0 || found->second.of.rbegin()->first == have - 1);
    if (!whole) in_.fail(each.offset, "corrupt: parts of an arena's life are missing");
    arena_life& life = trace_.arenas_[each.arena];
    auto& all = trace_.joined_.emplace_back();
    if (have != 0) {
      for (auto const& [index, part] : found->second.of) all.insert(all.end(), part.begin(), part.end());
      parts_.erase(found);
    }
    all.insert(all.end(), life.operations.begin(), life.operations.end());
    life.operations = all;
  }
  for (std::size_t i = 0; i < trace_.arenas_.size(); ++i) check_life(trace_.arenas_[i], offsets_[i]);
}

void trace_parser::check_life(arena_life const& life, std::size_t offset) const {
  std::uint64_t allocations = 0;
  auto const fault = check_operations(life.operations, allocations);
  if (fault.wrong != nullptr) {
    in_.fail(offset, std::string("corrupt: ") + fault.wrong + ", " + std::to_string(fault.offset) +
                         " bytes into the operations of this arena");
  }
  if (allocations != life.allocations) in_.fail(offset, "corrupt: this arena's allocations are not as many as it says");
}

void trace_parser::check_totals() const {
  totals found = trace_.totals_;
  found.requests = trace_.requests_.size();
  found.arenas = trace_.arenas_.size();
  found.allocations = 0;
  for (arena_life const& life : trace_.arenas_) found.allocations += life.allocations;
  if (found != trace_.totals_)
    in_.fail("corrupt: the trace holds other numbers of requests, arenas or allocations than its end says");
  if (!parts_.empty() && found.dropped_arenas == 0)
    in_.fail("corrupt: the trace holds parts of an arena without its end");
}

/// When requests began, and everything in order.
void trace_parser::set_beginnings() {
  for (arena_life const& life : trace_.arenas_) {
    auto const [place, is_new] = opened_.try_emplace(life.request, life.opened_ns);
    if (!is_new) place->second = std::min(place->second, life.opened_ns);
  }
  for (request& each : trace_.requests_) {
    auto const found = opened_.find(each.id);
    each.opened_ns = found == opened_.end() ? each.closed_ns : std::min(found->second, each.closed_ns);
  }
  std::ranges::sort(trace_.requests_, {}, [](request const& each) { return std::pair{each.opened_ns, each.id}; });
  std::ranges::sort(trace_.arenas_, {},
                    [](arena_life const& each) { return std::tuple{each.opened_ns, each.request, each.closed_ns}; });
}

}  // namespace mayfly::trace
