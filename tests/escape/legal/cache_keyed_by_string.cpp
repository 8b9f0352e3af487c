// legal: a cache of the service is asked with a view into the arena, and keeps a key and a value of its own

#include "program.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace cache_keyed_by_string {

struct text_hash : std::hash<std::string_view> {
  using is_transparent = void;
};
class profile_cache {
 public:
  std::shared_ptr<std::string const> find(std::string_view user) {
    std::scoped_lock const lock{mutex_};
    auto const found = profiles_.find(user);
    return found == profiles_.end() ? nullptr : found->second;
  }
  void keep(std::string user, std::string profile) {
    auto made = std::make_shared<std::string const>(std::move(profile));
    std::scoped_lock const lock{mutex_};
    profiles_.insert_or_assign(std::move(user), std::move(made));
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<std::string const>, text_hash, std::equal_to<>> profiles_;
};
ESCAPE_PROGRAM {
  profile_cache cache;
  mayfly::executor pool{escape::options()};
  auto const ask = [&cache](mayfly::request_context& request) -> std::shared_ptr<std::string const> {
    std::string_view const user = request.arena().copy(escape::long_text);
    if (auto known = cache.find(user)) return known;
    std::pmr::string profile{"the profile of ", request.memory()};
    profile += user;
    cache.keep(mayfly::detach(user), mayfly::detach(profile));
    return nullptr;
  };
  escape::require(pool.submit("profile", ask).get() == nullptr, "it is not known at first");
  auto const known = pool.submit("profile", ask).get();
  escape::next_request(pool);
  escape::require(known != nullptr && known->ends_with(escape::long_text), "the profile is whole");
}

}  // namespace cache_keyed_by_string
