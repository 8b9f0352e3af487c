#pragma once

#include <mayfly/detail/static_tls.hpp>

#include <cstdint>

namespace mayfly::detail {

/// The kernel's number of this thread, once asked; 0 before.
MAYFLY_STATIC_TLS inline constinit thread_local std::int32_t cached_thread_id = 0;
[[nodiscard]] std::int32_t ask_thread_id() noexcept;

/// gettid(), for one system call a thread. In a forked child it is asked again.
[[nodiscard]] inline std::int32_t this_thread_id() noexcept {
  std::int32_t const id = cached_thread_id;
  return id != 0 ? id : ask_thread_id();
}

}  // namespace mayfly::detail
