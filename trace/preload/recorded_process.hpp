#pragma once

#include "heap_request.hpp"

#include <atomic>

namespace mayfly::preload {

/// What a thread's allocations belong to. Constant-initialised and in static thread-local memory, as the first malloc
/// of a thread, which may come from the loader, looks at it.
struct thread_state {
  heap_request* open = nullptr;
  bool ours = false;    ///< inside the library: nothing of it is recorded
  bool marked = false;  ///< has begun a request by mark: not recorded between marks
  bool known = false;   ///< to the process, which looks at `busy` at its end
  bool ended = false;   ///< nothing is recorded any more: it is past its farewell, or the process is
  std::atomic<bool> busy{false};
};

[[gnu::tls_model("initial-exec")]] extern constinit thread_local thread_state this_thread;

/// Whether there is a recorder. False until the library has been set up, in a forked child, and from the process's end.
extern constinit std::atomic<bool> recording;

/// Opens the request that is all of this thread, where there is to be one.
void open_thread_request() noexcept;

/// A request between marks.
void begin_request(char const* route) noexcept;
void end_request() noexcept;

/// Runs `body` where there is a recorder, which stays until it is done. What `body` allocates is nobody's.
template <typename Body>
void recorded(Body const& body) noexcept {
  thread_state& here = this_thread;
  // sync recording-on: acquire; pairs with start_recording(); reads the recorder
  if (here.ours || !recording.load(std::memory_order_acquire)) [[unlikely]]
    return;
  here.ours = true;
  // sync recording-end: seq_cst both ways; pairs with stop_recording(): either this thread sees the end, or the end
  // waits for it, and then (release, acquire) reads what it has noted
  here.busy.store(true, std::memory_order_seq_cst);
  if (recording.load(std::memory_order_seq_cst)) body(here);
  here.busy.store(false, std::memory_order_release);
  here.ours = false;
}

}  // namespace mayfly::preload
