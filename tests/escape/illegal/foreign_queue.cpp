// pattern: work that captures a view is put into a queue of the embedder's
// way out: foreign queue
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <deque>
#include <functional>
#include <mutex>

namespace foreign_queue {

class work_queue {
 public:
  void push(std::function<void()> work) {
    std::scoped_lock const lock{mutex_};
    waiting_.push_back(std::move(work));
  }
  void run_all() {
    std::scoped_lock const lock{mutex_};
    for (auto const& work : waiting_) work();
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  work_queue queue;
  pool.run({.route = "leak"},
           [&queue](mayfly::request_context& request) {
             queue.push([text = request.arena().copy(escape::long_text)] { escape::touch(text); });
           })
      .value();
  escape::next_request(pool);
  queue.run_all();
}

}  // namespace foreign_queue
