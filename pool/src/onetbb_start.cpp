#include "onetbb_start.hpp"

#include <tbb/task_arena.h>

#include <mutex>
#include <system_error>

namespace mayfly::detail {
namespace {

enum class step { not_begun, begun, done };

constinit std::mutex start_mutex;
constinit step reached = step::not_begun;

}  // namespace

void start_onetbb() {
  std::scoped_lock const one_at_a_time(start_mutex);
  if (reached == step::done) return;
  if (reached == step::begun) {
    throw std::system_error(std::make_error_code(std::errc::not_enough_memory),
                            "mayfly: oneTBB had no memory when this process first used it, and cannot be initialised "
                            "again (it would wait for ever); restart the process");
  }
  reached = step::begun;  // what stays when the next line throws
  static_cast<void>(tbb::this_task_arena::max_concurrency());
  reached = step::done;
}

}  // namespace mayfly::detail
