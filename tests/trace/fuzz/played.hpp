#pragma once

#include <mayfly/trace/trace.hpp>

namespace mayfly::test {

/// Does with a trace what programs do with one that was read: walks every operation and plays all of it. A crash, a
/// sanitizer's report or a figure that cannot be ends the process.
void play(trace::trace const& of);

}  // namespace mayfly::test
