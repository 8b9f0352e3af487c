#pragma once

/// Variables of a library that has no symbol table but the dynamic one.
[[nodiscard]] void const*& stripped_exported();
[[nodiscard]] void const*& stripped_not_exported();
[[nodiscard]] void const*& stripped_thread_local();
