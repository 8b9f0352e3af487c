#include <mayfly/channel.hpp>
#include <mayfly/promise.hpp>

#include <string_view>

// Does not compile: views in a channel, or a promise (MF-E06).
#if defined(PROMISE)
mayfly::promise<std::string_view> made;
#else
mayfly::channel<std::string_view> made{1};
#endif
