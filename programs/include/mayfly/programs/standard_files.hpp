#pragma once

namespace mayfly::programs {

/// Sees to it that descriptors 0, 1 and 2 are taken: what a process is started without (<&-, >&-) would otherwise go to
/// the next file it opens, and answers or complaints into that. What stands in for closed input or output fails whoever
/// uses it: the one cannot be read, the other not be written. Complaints that nobody wants to hear go to /dev/null.
/// To be called before anything is opened.
/// False: there is no /dev/null to stand in.
[[nodiscard]] bool keep_standard_files_taken();

}  // namespace mayfly::programs
