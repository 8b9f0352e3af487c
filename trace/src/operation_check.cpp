#include "operation_check.hpp"

#include <optional>
#include <vector>

namespace mayfly::trace {
namespace {

constexpr std::uint64_t most_log2_alignment = 21;  // a span

class checker {
 public:
  explicit checker(std::span<std::byte const> operations) noexcept : operations_{operations} {}

  operation_fault check(std::uint64_t& allocations) {
    while (at_ < operations_.size()) {
      std::size_t const start = at_;
      if (char const* const wrong = check_one(); wrong != nullptr) return {wrong, start};
    }
    allocations = allocations_;
    return {};
  }

 private:
  std::optional<std::uint64_t> varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < operations_.size(); shift += 7) {
      auto const byte = std::to_integer<std::uint64_t>(operations_[at_++]);
      if (shift == 63 && byte > 1) return std::nullopt;
      value |= (byte & 0x7fU) << shift;
      if (byte < 0x80U) return value;
    }
    return std::nullopt;
  }

  char const* size() noexcept {
    auto const bytes = varint();
    return bytes && *bytes < operation_size_limit ? nullptr : "a size that no allocation has";
  }
  char const* alignment() noexcept {
    auto const log2 = varint();
    return log2 && *log2 <= most_log2_alignment ? nullptr : "an alignment that no allocation has";
  }
  char const* block(std::uint64_t& number) noexcept {
    auto const read = varint();
    number = read.value_or(0);
    return read && *read < blocks_.size() ? nullptr : "a block that its arena does not have";
  }

  char const* check_one() {
    auto const token = varint();
    if (!token) return "an operation that is cut off";
    if ((*token & 1U) == 0) {
      ++allocations_;
      return *token >> 1U < operation_size_limit ? nullptr : "a size that no allocation has";
    }
    if (*token >> 1U >= operation_kinds) return "an operation that there is not";
    return check_unusual(static_cast<operation_kind>(*token >> 1U));
  }

  char const* check_unusual(operation_kind kind) {
    char const* wrong = nullptr;
    std::uint64_t number = 0;
    auto const either = [&](char const* next) { wrong = wrong != nullptr ? wrong : next; };
    switch (kind) {
      case operation_kind::allocate_block:
        blocks_.push_back(marks_made_);
        [[fallthrough]];
      case operation_kind::allocate:
        ++allocations_;
        either(alignment());
        either(size());
        break;
      case operation_kind::give_back:
        either(size());
        break;
      case operation_kind::resize:
        either(size());
        either(size());
        break;
      case operation_kind::give_back_block:
        either(block(number));
        either(alignment());
        either(size());
        if (wrong == nullptr) blocks_.erase(blocks_.end() - 1 - static_cast<std::ptrdiff_t>(number));
        break;
      case operation_kind::resize_block:
        either(block(number));
        either(size());
        either(size());
        break;
      case operation_kind::mark:
        valid_marks_.push_back(++marks_made_);
        break;
      case operation_kind::rewind:
        return rewind();
    }
    return wrong;
  }

  char const* rewind() {
    auto const number = varint();
    if (!number) return "an operation that is cut off";
    while (!valid_marks_.empty() && valid_marks_.back() > *number) valid_marks_.pop_back();
    bool const known = *number == 0 || (!valid_marks_.empty() && valid_marks_.back() == *number);
    if (!known) return "a mark that is not valid";
    while (!blocks_.empty() && blocks_.back() >= *number) blocks_.pop_back();
    return nullptr;
  }

  std::span<std::byte const> operations_;
  std::size_t at_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t marks_made_ = 0;
  std::vector<std::uint64_t> blocks_;  // marks made before each block
  std::vector<std::uint64_t> valid_marks_;
};

}  // namespace

operation_fault check_operations(std::span<std::byte const> operations, std::uint64_t& allocations) {
  return checker{operations}.check(allocations);
}

}  // namespace mayfly::trace
