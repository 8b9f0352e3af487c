// A library that brings mayfly's thread-locals along, and large ones of its own. Built with MAYFLY_DYNAMIC_TLS.
#include <mayfly/detail/thread_index.hpp>

#include <array>
#include <cstddef>

extern "C" bool late_is_unassigned();
extern "C" std::byte* late_thread_local();

namespace {
thread_local std::array<std::byte, std::size_t{64} << 10U> scratch;
}  // namespace

bool late_is_unassigned() { return mayfly::detail::assigned_thread_index == mayfly::detail::unassigned_thread_index; }

std::byte* late_thread_local() { return scratch.data(); }
