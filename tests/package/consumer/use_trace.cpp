// Component `trace`: a run that is recorded, and its memory taken again in a model.
#include <mayfly/executor.hpp>
#include <mayfly/trace/recorder.hpp>
#include <mayfly/trace/replay.hpp>

#include <cstdio>

int main() {
  mayfly::trace::recorder recording{"run.mft", {}};
  {
    mayfly::executor pool{{.workers = 2, .page_options = {.recorder = &recording}, .observer = &recording}};
    pool.submit("once", [](mayfly::request_context& request) { request.arena().make<int>(1); }).get();
  }
  if (!recording.finish().error.empty()) return 1;
  auto const model = mayfly::trace::simulate(mayfly::trace::trace::read("run.mft"), {});
  std::printf("%llu allocation\n", static_cast<unsigned long long>(model.memory.allocations));
  return model.memory.allocations == 1 ? 0 : 1;
}
