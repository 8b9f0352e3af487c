// Its handlers do not come back from request 20 on, until the process ends.
#include <mayfly/plugin.hpp>

#include <chrono>
#include <thread>

/// In the stack that the watchdog prints.
extern "C" [[gnu::noinline, gnu::visibility("default")]] void hang_for_ever();
extern "C" void hang_for_ever() {
  for (;;) std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

MAYFLY_PLUGIN(mine) {
  mine.add_handler("hang", [](mayfly::plugin_call const& call) {
    if (call.number >= 20) hang_for_ever();
  });
}
