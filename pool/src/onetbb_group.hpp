#pragma once

#include <tbb/task_group.h>

#include <utility>

namespace mayfly::detail {

/// A tbb::task_group that can be waited for after it had no memory for a task. oneTBB 2021.8 counts a task before it
/// allocates it (task_group_base::prepare_task) and leaves the count as it is when that throws: whoever waited then
/// would wait for ever.
class onetbb_group : public tbb::task_group {
 public:
  using tbb::task_group::task_group;

  /// As tbb::task_group::run(); throws std::bad_alloc.
  template <class Body>
  void run(Body&& body) {
    counted([&] { tbb::task_group::run(std::forward<Body>(body)); });
  }
  /// As tbb::task_group::defer(); throws std::bad_alloc.
  template <class Body>
  [[nodiscard]] tbb::task_handle defer(Body&& body) {
    return counted([&] { return tbb::task_group::defer(std::forward<Body>(body)); });
  }

 private:
  template <class Add>
  auto counted(Add const& add) {
    try {
      return add();
    } catch (...) {
      m_wait_ctx.release();
      throw;
    }
  }
};

}  // namespace mayfly::detail
