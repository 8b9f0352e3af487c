#pragma once

#include <mayfly/detach.hpp>
#include <mayfly/detail/egress_walk.hpp>
#include <mayfly/lifetimebound.hpp>

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// detach() of Boost.JSON values: include this beside <mayfly/detach.hpp>, and link Boost.JSON.
namespace mayfly {

namespace detail {

/// A deep copy in `storage`. With a list of its own instead of the stack: trees may be as deep as they like.
class json_copier {
 public:
  template <class Tree>
  boost::json::value copy(Tree const& tree, boost::json::storage_ptr storage) {
    boost::json::value root(std::move(storage));
    copy_node(tree, root, 1);
    while (!left_.empty()) {
      auto const [from, to, level] = left_.back();
      left_.pop_back();
      copy_node(*from, *to, level);
    }
    return root;
  }

  /// Of the tree that was copied.
  [[nodiscard]] std::size_t levels() const noexcept { return levels_; }

 private:
  // Each copies a node, with empty places for its children, which it notes. No place moves: room is made first.
  void copy_node(boost::json::array const& from, boost::json::value& to, std::size_t level) {
    auto& copies = to.emplace_array();
    copies.reserve(from.size());
    for (auto const& child : from) left_.push_back({&child, &copies.emplace_back(nullptr), level + 1});
    levels_ = std::max(levels_, level);
  }
  void copy_node(boost::json::object const& from, boost::json::value& to, std::size_t level) {
    auto& copies = to.emplace_object();
    copies.reserve(from.size());
    for (auto const& [key, child] : from) {
      left_.push_back({&child, &copies.emplace(key, nullptr).first->value(), level + 1});
    }
    levels_ = std::max(levels_, level);
  }
  void copy_node(boost::json::value const& from, boost::json::value& to, std::size_t level) {
    if (auto const* const array = from.if_array()) {
      copy_node(*array, to, level);
    } else if (auto const* const object = from.if_object()) {
      copy_node(*object, to, level);
    } else {
      to = from;  // into the storage that `to` has
    }
  }

  struct node {
    boost::json::value const* from;
    boost::json::value* to;
    std::size_t level;
  };
  std::vector<node> left_;
  std::size_t levels_ = 0;
};

/// Ends trees that are deeper than Boost.JSON's recursive destructors go: the path down to the leaf that goes next.
class json_unwinder {
 public:
  json_unwinder() = default;
  /// Takes the memory that it will need.
  explicit json_unwinder(std::size_t levels) { path_.reserve(levels); }

  void end(boost::json::value&& tree) noexcept {
    path_.push_back(std::move(tree));
    while (!path_.empty()) {
      boost::json::value& last = path_.back();
      if (last.is_array() && !last.get_array().empty()) {
        boost::json::value child = std::move(last.get_array().back());
        last.get_array().pop_back();
        descend(std::move(child));
      } else if (last.is_object() && !last.get_object().empty()) {
        auto const member = std::prev(last.get_object().end());
        boost::json::value child = std::move(member->value());
        last.get_object().erase(member);
        descend(std::move(child));
      } else {
        path_.pop_back();
      }
    }
  }

 private:
  void descend(boost::json::value&& child) noexcept {
    if (child.is_structured()) path_.push_back(std::move(child));
  }

  std::vector<boost::json::value> path_;
};

}  // namespace detail

/// A Boost.JSON tree that may leave its request: what detach() makes of one. It owns its memory, on the heap, in few
/// large blocks. Neither making nor destroying it takes stack for its depth. A value; copies are deep.
class detached_json final {
 public:
  /// null.
  detached_json() = default;
  explicit detached_json(boost::json::value const& tree) { copy(tree); }
  explicit detached_json(boost::json::array const& tree) { copy(tree); }
  explicit detached_json(boost::json::object const& tree) { copy(tree); }

  detached_json(detached_json const& other) : detached_json(other.tree_) {}
  detached_json(detached_json&&) noexcept = default;
  detached_json& operator=(detached_json const& other) { return *this = detached_json(other); }
  detached_json& operator=(detached_json&& other) noexcept {
    if (this != &other) {
      // By construction, as Boost.JSON's assignment copies between storages.
      std::destroy_at(this);
      std::construct_at(this, std::move(other));
    }
    return *this;
  }
  ~detached_json() {
    if (unwinder_) unwinder_->end(std::move(tree_));
  }

  /// A copy of it by Boost.JSON's copy constructor shares its memory, and keeps it, but must stay on the same thread.
  [[nodiscard]] boost::json::value const& operator*() const noexcept MAYFLY_LIFETIMEBOUND { return tree_; }
  [[nodiscard]] boost::json::value const* operator->() const noexcept MAYFLY_LIFETIMEBOUND { return &tree_; }

  /// The tree, as a value of Boost.JSON: it keeps its memory as long as it, or anything moved out of it, lives.
  [[nodiscard]] boost::json::value take() && noexcept { return std::move(tree_); }

 private:
  /// Deeper trees are not left to Boost.JSON's destructors, of which two take some 100 bytes of stack a level.
  static constexpr std::size_t most_levels = 1'000;

  template <class Tree>
  void copy(Tree const& tree) {
    detail::json_copier copier;
    auto memory = boost::json::make_shared_resource<boost::json::monotonic_resource>();
    boost::json::value copied = copier.copy(tree, std::move(memory));
    if (copier.levels() > most_levels) unwinder_.emplace(copier.levels());
    std::destroy_at(&tree_);
    std::construct_at(&tree_, std::move(copied));
  }

  boost::json::value tree_;
  std::optional<detail::json_unwinder> unwinder_;
};

template <>
inline constexpr bool is_detached<detached_json> = true;
template <>
inline constexpr bool walks<detached_json> = false;

template <>
struct detach_traits<boost::json::value> {
  static detached_json copy(boost::json::value const& from) { return detached_json(from); }
};
template <>
struct detach_traits<boost::json::array> {
  static detached_json copy(boost::json::array const& from) { return detached_json(from); }
};
template <>
struct detach_traits<boost::json::object> {
  static detached_json copy(boost::json::object const& from) { return detached_json(from); }
};
template <>
struct detach_traits<boost::json::string> {
  static std::string copy(boost::json::string const& from) { return {from.data(), from.size()}; }
};

}  // namespace mayfly
