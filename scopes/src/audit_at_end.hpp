#pragma once

namespace mayfly {
class scope;
}

namespace mayfly::detail {

/// Audits a scope as its registry's options say: after the destructors, before the first page goes, on the thread that
/// tears it down.
void audit_at_end(scope& ended) noexcept;

}  // namespace mayfly::detail
