#include "held.hpp"

namespace {

void const* held_by_library = nullptr;
thread_local void const* held_by_library_thread = nullptr;

}  // namespace

void const*& library_global() { return held_by_library; }
void const*& library_thread_local() { return held_by_library_thread; }
