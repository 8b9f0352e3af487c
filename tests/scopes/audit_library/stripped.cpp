#include "stripped.hpp"

extern void const* exported_by_stripped_library;
void const* exported_by_stripped_library = nullptr;

namespace {
void const* not_exported = nullptr;
thread_local void const* not_exported_thread_local = nullptr;
}  // namespace

void const*& stripped_exported() { return exported_by_stripped_library; }
void const*& stripped_not_exported() { return not_exported; }
void const*& stripped_thread_local() { return not_exported_thread_local; }
