#pragma once

namespace mayfly {

class scope;

namespace detail {

/// The scope whose memory this thread is giving back; for canary reports. Set in builds with MAYFLY_CANARIES only.
inline constinit thread_local scope const* closing_scope = nullptr;

/// Overwritten canaries are told as MF-E32 from now on, for the whole process, unless somebody has set another handler.
void report_canaries() noexcept;

}  // namespace detail
}  // namespace mayfly
