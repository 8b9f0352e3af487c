#pragma once

/// A library's variable of each kind, to hold an address in. Not seen from outside: a program would have its own copy
/// of one that is.
[[nodiscard]] void const*& library_global();
[[nodiscard]] void const*& library_thread_local();
