#pragma once

#if defined(MAYFLY_UNDER_TSAN)
// The runtime's names. NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
#endif

namespace mayfly::detail {

/// What oneTBB orders, told to ThreadSanitizer: Debian's oneTBB is not built for it, so the sources that meet oneTBB's
/// templates are not either (CMakeLists.txt), and say with this what happens before what. Nothing in other builds.
///
///     spawning thread   hand_out()  ->  begin()  piece   any thread
///     waiting thread    collect()   <-  end()    piece
class task_edge {
 public:
#if defined(MAYFLY_UNDER_TSAN)
  void hand_out() noexcept { __tsan_release(&out_); }
  void begin() noexcept { __tsan_acquire(&out_); }
  void end() noexcept { __tsan_release(&back_); }
  void collect() noexcept { __tsan_acquire(&back_); }

 private:
  char out_ = 0;
  char back_ = 0;
#else
  void hand_out() noexcept {}
  void begin() noexcept {}
  void end() noexcept {}
  void collect() noexcept {}
#endif
};

/// begin() and end() of one piece, however it ends.
class task_piece {
 public:
  explicit task_piece(task_edge& edge) noexcept : edge_(edge) { edge_.begin(); }
  ~task_piece() { edge_.end(); }
  task_piece(task_piece const&) = delete;
  task_piece& operator=(task_piece const&) = delete;

 private:
  task_edge& edge_;
};

}  // namespace mayfly::detail
