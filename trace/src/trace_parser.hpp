#pragma once

#include "format.hpp"
#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace mayfly::trace {

/// A place in a trace's content, and how far it may be read from there. Names the file and the offset where it may not.
class cursor {
 public:
  cursor(std::string_view name, std::span<std::byte const> content) noexcept : name_{name}, content_{content} {}

  [[nodiscard]] std::size_t offset() const noexcept { return at_; }
  [[nodiscard]] std::size_t left() const noexcept { return content_.size() - at_; }
  [[nodiscard]] std::uint32_t read_u32();
  [[nodiscard]] std::uint64_t read_varint();
  /// A varint of at most `most`; `what` it is, for the message.
  [[nodiscard]] std::uint64_t read_number(char const* what, std::uint64_t most);
  [[nodiscard]] std::span<std::byte const> read_bytes(std::uint64_t count, char const* what);
  /// A cursor over the next `count` bytes, which this one skips.
  [[nodiscard]] cursor sub(std::size_t count);

  [[noreturn]] void fail(std::size_t offset, std::string const& what) const;
  [[noreturn]] void fail(std::string const& what) const { fail(at_, what); }

 private:
  std::string_view name_;
  std::span<std::byte const> content_;
  std::size_t at_ = 0;
};

/// Reads a file's content into a trace, and believes nothing of it.
class trace_parser {
 public:
  trace_parser(trace& into, std::string_view name) noexcept : trace_{into}, in_{name, into.content_} {}
  void parse();

 private:
  /// A life's operations that came before its end, in the order of their parts.
  struct parts {
    std::map<std::uint64_t, std::span<std::byte const>> of;
  };
  /// An end that has not been joined with its parts.
  struct unjoined {
    std::size_t arena;
    std::uint64_t life;
    std::uint64_t count;
    std::size_t offset;
  };
  /// What is read of a block's thread.
  struct block_context {
    std::uint32_t thread = 0;
    std::uint64_t base_ns = 0;
    std::vector<std::uint32_t> routes;  // by their numbers in the block
  };

  void parse_head();
  void parse_records(cursor block);
  void parse_record(cursor& block, block_context& context);
  void parse_ended(cursor& block, block_context const& context);
  void parse_arena(cursor& block, block_context const& context);
  void parse_trailer(cursor block);
  [[nodiscard]] std::uint64_t read_time(cursor& block, block_context const& context) const;
  [[nodiscard]] std::uint32_t route_named(std::string_view name);
  void join();
  void check_life(arena_life const& life, std::size_t offset) const;
  void set_beginnings();
  void check_totals() const;

  trace& trace_;
  cursor in_;
  std::unordered_map<std::string, std::uint32_t> routes_;
  std::unordered_map<std::uint64_t, std::uint64_t> opened_;  // by request
  std::unordered_map<std::uint64_t, parts> parts_;           // by life
  std::vector<unjoined> unjoined_;
  std::vector<std::size_t> offsets_;  // of the arenas' records
  totals counted_;
};

}  // namespace mayfly::trace
