// pattern: an LRU cache is asked with a view of the request's text and makes it the key of what it adds
// way out: key of a cache
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace lru_cache_keyed_by_view {

class cache {
 public:
  std::string const& get(std::string_view key) {
    if (auto const found = index_.find(key); found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->second;
    }
    if (entries_.size() == 100) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::string{"made of "}.append(key));
    index_.emplace(key, entries_.begin());
    return entries_.front().second;
  }

 private:
  using entries = std::list<std::pair<std::string_view, std::string>>;
  entries entries_;
  std::unordered_map<std::string_view, entries::iterator> index_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  cache templates;
  pool.run({.route = "leak"},
           [&templates](mayfly::request_context& request) {
             return templates.get(request.arena().copy(escape::long_text)).size();
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  escape::require(!templates.get(escape::long_text).empty(), "there is a template");
}

}  // namespace lru_cache_keyed_by_view
