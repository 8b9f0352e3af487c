// A library that is loaded while the program runs: its thread-locals are made when they are first touched.
extern "C" void const** late_thread_local();
extern "C" void const** late_global();

namespace {
thread_local void const* held_late = nullptr;
void const* held_by_late_library = nullptr;
}  // namespace

void const** late_thread_local() { return &held_late; }
void const** late_global() { return &held_by_late_library; }
