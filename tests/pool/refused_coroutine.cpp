#include <mayfly/detached_coroutine.hpp>
#include <mayfly/executor.hpp>

#include <string>
#include <string_view>

// Does not compile: the view, and the reference, would stay in the frame (MF-E07).
#if defined(VIEW)
mayfly::detached_coroutine print(std::string_view) { co_return; }
#else
mayfly::detached_coroutine print(std::string const&) { co_return; }
#endif
