#include <mayfly/allocation_error.hpp>

#include <cstdio>

namespace mayfly {
namespace {

char const* sentence_of(refusal reason) noexcept {
  switch (reason) {
    case refusal::none:
      return "memory was not refused";
    case refusal::too_large:
      return "allocation is larger than any object can be";
    case refusal::byte_budget:
      return "request byte budget exceeded";
    case refusal::page_cap:
      return "page pool cap (max_bytes) reached";
    case refusal::address_space:
      return "page pool address space (reserve_bytes) exhausted";
    case refusal::system:
      return "the system refused memory";
  }
  return "memory was refused";
}

}  // namespace

char const* to_string(refusal reason) noexcept {
  switch (reason) {
    case refusal::none:
      return "none";
    case refusal::too_large:
      return "too_large";
    case refusal::byte_budget:
      return "byte_budget";
    case refusal::page_cap:
      return "page_cap";
    case refusal::address_space:
      return "address_space";
    case refusal::system:
      return "system";
  }
  return "unknown";
}

allocation_error::allocation_error(refusal reason, std::size_t limit, std::size_t used, std::size_t asked,
                                   int error_number) noexcept
    : limit_{limit}, used_{used}, asked_{asked}, error_number_{error_number}, reason_{reason}, text_{} {
  if (error_number != 0) {
    std::snprintf(text_.data(), text_.size(), "%s: limit %zu bytes, used %zu, asked %zu (errno %d)",
                  sentence_of(reason), limit, used, asked, error_number);
  } else {
    std::snprintf(text_.data(), text_.size(), "%s: limit %zu bytes, used %zu, asked %zu", sentence_of(reason), limit,
                  used, asked);
  }
}

}  // namespace mayfly
