#pragma once

#include <mayfly/detached.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>

/// Looking for addresses of a request in a value that is about to leave it, part by part and by type: the raw bytes of
/// an object also hold what was there before it (an empty optional's room, a short string's spare bytes, padding), and
/// a stale word is no escape.
namespace mayfly {

template <class T>
class trusted_value;

/// Addresses from `first` on.
struct address_range {
  std::uintptr_t first = 0;
  std::uintptr_t bytes = 0;

  [[nodiscard]] constexpr bool has(std::uintptr_t address) const noexcept { return address - first < bytes; }
  [[nodiscard]] bool has(void const* address) const noexcept { return has(reinterpret_cast<std::uintptr_t>(address)); }
};

/// An address that was found, and where: bytes from the start of the value, to the word itself or, where that lies in
/// memory that the value owns, to what owns it.
struct egress_hit {
  void const* address = nullptr;
  std::size_t offset = 0;
};

namespace detail {
/// A word that was found, as the address that it may be.
[[nodiscard]] inline void const* as_address(std::uintptr_t word) noexcept {
  return reinterpret_cast<void const*>(word);  // NOLINT(performance-no-int-to-ptr)
}

/// What walks<T> is unless somebody says otherwise; worked out when it is asked for.
template <class T>
struct walk_by_type {
  constexpr operator bool() const;  // NOLINT(google-explicit-constructor)
};
}  // namespace detail

/// Whether values of T are looked at when they leave a request. Not where nothing in them could be an address: numbers
/// below 64 bits and signed ones (time stamps look like addresses on some days of the year), floating point, text.
/// Specialise it as `bool` false for a class of yours that is_detached and holds bytes which only look like addresses.
template <class T>
inline constexpr detail::walk_by_type<T> walks{};

/// The first 8-byte aligned word of these bytes, from byte `from` on, that lies in the range: what is done for
/// closures, and for classes of which only the size is known. The spare room of a std::string is passed over. 64 bytes
/// cost some 5 ns.
[[nodiscard]] std::optional<egress_hit> find_address_in_bytes(void const* bytes, std::size_t count, address_range range,
                                                              std::size_t from = 0) noexcept;

/// Which of the addresses in a range matter: a function of its context and the address. And what an exception holds
/// that matters, an address or null.
struct address_filter {
  bool (*matters)(void const* context, void const* address) noexcept = nullptr;  ///< null: all of them
  void const* context = nullptr;
  /// Null: an exception_ptr is not looked into.
  void const* (*held_by)(void const* context, std::exception_ptr const& error) noexcept = nullptr;
};

/// The first address in the range that `value` holds and that matters. Costs what there is to walk: nothing where
/// !walks<T>.
template <class T>
[[nodiscard]] std::optional<egress_hit> find_address(T const& value, address_range range,
                                                     address_filter filter = {}) noexcept;

namespace detail {

/// How a part is looked at.
enum class walk_kind : std::uint8_t {
  nothing,             // no room for an address, or only text and numbers
  number,              // an unsigned 64-bit integer: an address that somebody has cast
  pointer,             // of a type that is not detached: the value was waved through
  view,                // the same: where it points
  bytes,               // every word of it
  bytes_and_elements,  // the same, and each element: a class like a container, which may have fields of its own
  bytes_and_inside,    // the same, and the container inside: a class derived from an adaptor
  array,               // each element, in the object
  elements,            // each element, in memory of the container's own
  adaptor,             // the container inside
  pointee,             // the pointer, and what it points to
  optional,            // what it holds, if it does
  expected,            // the value or the error
  variant,             // what it holds
  product,             // each part of a pair or tuple
  atomic,              // what it holds now
  trusted,             // what was waved through
  category,            // where an error code's category lies
  exception,           // what the exception holds
  aggregate,           // each field
};

template <class T>
constexpr walk_kind walk_kind_of_number() {
  if constexpr (std::is_enum_v<T>) {
    return walk_kind_of_number<std::underlying_type_t<T>>();
  } else {
    return std::is_integral_v<T> && std::is_unsigned_v<T> && sizeof(T) == 8 ? walk_kind::number : walk_kind::nothing;
  }
}

template <class T>
constexpr walk_kind walk_kind_of_class() {
  if constexpr (!Complete<T>) {
    return walk_kind::nothing;
  } else if constexpr (std::is_same_v<T, std::exception_ptr>) {
    return walk_kind::exception;
  } else if constexpr (is_one_of<T, std::error_code, std::error_condition>) {
    return walk_kind::category;
  } else if constexpr (Harmless<T>) {
    return walk_kind::nothing;
  } else if constexpr (is_made_from<T, std::unique_ptr>) {
    return std::is_pointer_v<typename T::pointer> ? walk_kind::pointee : walk_kind::bytes;
  } else if constexpr (is_made_from<T, trusted_value>) {
    return walk_kind::trusted;
  } else if constexpr (is_product<T>) {
    return walk_kind::product;
  } else if constexpr (is_std_array<T>) {
    return walk_kind::array;
  } else if constexpr (Variant<T>) {
    return walk_kind::variant;
  } else if constexpr (is_made_from<T, std::optional>) {
    return walk_kind::optional;
  } else if constexpr (is_view<T>) {
    return walk_kind::view;
  } else if constexpr (Expected<T>) {
    return walk_kind::expected;
  } else if constexpr (Atomic<T>) {
    return walk_kind::atomic;
  } else if constexpr (Container<T>) {
    return HeapAllocator<typename T::allocator_type> ? walk_kind::elements : walk_kind::bytes;
  } else if constexpr (ContainerAdaptor<T>) {
    return walk_kind::adaptor;
  } else if constexpr (TakenApart<T>) {
    return walk_kind::aggregate;
  } else if constexpr (LikeAdaptor<T>) {
    return adapted<T>::is_seen ? walk_kind::bytes_and_inside : walk_kind::bytes;
  } else if constexpr (LikeContainer<T>) {
    return walk_kind::bytes_and_elements;
  } else {
    return walk_kind::bytes;  // shared_ptr, promise, closures and classes that is_detached was specialised for
  }
}

template <class T>
constexpr walk_kind walk_kind_of() {
  if constexpr (std::is_volatile_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>) {
    return walk_kind::nothing;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return walk_kind_of_number<T>();
  } else if constexpr (std::is_pointer_v<T>) {
    return walk_kind::pointer;
  } else if constexpr (std::is_bounded_array_v<T>) {
    return walk_kind::array;
  } else if constexpr (std::is_class_v<T>) {
    return walk_kind_of_class<T>();
  } else {
    return std::is_union_v<T> ? walk_kind::bytes : walk_kind::nothing;
  }
}

template <class T, class... Inside>
constexpr bool is_walked();

template <class... Inside, class... Ts>
constexpr bool any_is_walked(type_list<Ts...>) {
  return (is_walked<Ts, Inside...>() || ...);
}

/// Numbers in bulk are data: a hash is no address.
template <class Element, class... Inside>
constexpr bool elements_are_walked() {
  return !std::is_arithmetic_v<std::remove_all_extents_t<Element>> && is_walked<Element, Inside...>();
}

template <class Written, class... Inside>
constexpr bool is_walked() {
  using T = std::remove_cv_t<Written>;
  constexpr walk_kind kind = walk_kind_of<T>();
  if constexpr (!std::is_same_v<std::remove_cv_t<decltype(walks<T>)>, walk_by_type<T>>) {
    return walks<T>;
  } else if constexpr (kind == walk_kind::nothing) {
    return false;
  } else if constexpr (kind == walk_kind::array && std::is_array_v<T>) {
    return elements_are_walked<std::remove_extent_t<T>, Inside...>();
  } else if constexpr (kind == walk_kind::array || kind == walk_kind::elements) {
    return elements_are_walked<typename T::value_type, Inside...>();
  } else if constexpr (kind == walk_kind::optional || kind == walk_kind::atomic || kind == walk_kind::trusted) {
    return is_walked<typename T::value_type, Inside...>();
  } else if constexpr (kind == walk_kind::expected) {
    return is_walked<typename T::value_type, Inside...>() || is_walked<typename T::error_type, Inside...>();
  } else if constexpr (kind == walk_kind::adaptor) {
    return is_walked<typename T::container_type, Inside...>();
  } else if constexpr (kind == walk_kind::variant || kind == walk_kind::product) {
    return any_is_walked<Inside...>(typename arguments_of<T>::type{});
  } else if constexpr (kind == walk_kind::aggregate) {
    if constexpr (is_one_of<T, Inside...>) {
      return false;
    } else {
      return any_is_walked<Inside..., T>(field_types<T>{});
    }
  } else {
    return true;
  }
}

template <class T>
constexpr walk_by_type<T>::operator bool() const {
  return is_walked<T>();
}

/// One walk through a value. Each step says whether an address was found, which ends it.
class egress_walk {
 public:
  egress_walk(void const* value, std::size_t bytes, address_range range, address_filter filter) noexcept
      : range_(range), filter_(filter), value_(reinterpret_cast<std::uintptr_t>(value)), bytes_(bytes) {}

  [[nodiscard]] std::optional<egress_hit> const& hit() const noexcept { return hit_; }

  template <class T>
  bool look_at(T const& part) noexcept {
    constexpr walk_kind kind = walk_kind_of<T>();
    if constexpr (!is_walked<T>()) {
      return false;
    } else if constexpr (kind == walk_kind::number) {
      return look_at_word(static_cast<std::uintptr_t>(part), &part);
    } else if constexpr (kind == walk_kind::pointer) {
      return look_at_word(reinterpret_cast<std::uintptr_t>(part), &part);
    } else if constexpr (kind == walk_kind::view) {
      return look_at_word(reinterpret_cast<std::uintptr_t>(part.data()), &part);
    } else if constexpr (kind == walk_kind::array) {
      return look_at_each(part);
    } else if constexpr (kind == walk_kind::elements || kind == walk_kind::pointee) {
      return look_at_owned<kind>(part);
    } else if constexpr (kind == walk_kind::adaptor) {
      return look_at(adapted<T>::of(part));
    } else if constexpr (kind == walk_kind::atomic) {
      // Relaxed: the value is judged by itself, nothing is read on the strength of it.
      return look_at(part.load(std::memory_order_relaxed));
    } else if constexpr (kind == walk_kind::trusted) {
      return look_at(part.get());
    } else if constexpr (kind == walk_kind::category) {
      return look_at_word(reinterpret_cast<std::uintptr_t>(std::addressof(part.category())), std::addressof(part));
    } else if constexpr (kind == walk_kind::exception) {
      return look_into(part);
    } else if constexpr (kind == walk_kind::bytes) {
      return look_at_bytes(std::addressof(part), sizeof(T));
    } else if constexpr (kind == walk_kind::bytes_and_elements) {
      if (look_at_bytes(std::addressof(part), sizeof(T))) return true;
      if constexpr (elements_are_walked<typename T::value_type>()) return look_at_owned<walk_kind::elements>(part);
      return false;
    } else if constexpr (kind == walk_kind::bytes_and_inside) {
      return look_at_bytes(std::addressof(part), sizeof(T)) || look_at(adapted<T>::of(part));
    } else {
      return look_at_parts<kind>(part);
    }
  }

 private:
  /// What lies deeper than so many owners was hidden on purpose, or is a list whose own destructor will overflow the
  /// stack.
  static constexpr std::uint32_t most_depth = 1'000;

  template <class... Parts>
  bool look_at_all(Parts const&... parts) noexcept {
    return (look_at(parts) || ...);
  }

  template <walk_kind Kind, class T>
  bool look_at_parts(T const& whole) noexcept {
    [[maybe_unused]] egress_walk& walk = *this;
    if constexpr (Kind == walk_kind::optional) {
      return whole.has_value() && look_at(*whole);
    } else if constexpr (Kind == walk_kind::expected) {
      if (!whole.has_value()) return look_at(whole.error());
      if constexpr (!std::is_void_v<typename T::value_type>) return look_at(*whole);
      return false;
    } else if constexpr (Kind == walk_kind::variant) {
      return with_alternative(whole, [&walk](auto const& held) { return walk.look_at(held); });
    } else if constexpr (Kind == walk_kind::product) {
      return std::apply([&walk](auto const&... parts) { return walk.look_at_all(parts...); }, whole);
    } else {
      return with_fields<field_count<T>>(
          whole, [&walk]<class... Ts>(auto const&... fields) { return walk.look_at_all(fields...); });
    }
  }

  template <walk_kind Kind, class T>
  bool look_at_owned(T const& owner) noexcept {
    std::size_t const outside = offset_;
    offset_ = offset_of(std::addressof(owner));
    ++depth_;
    bool found = false;
    if constexpr (Kind == walk_kind::elements) {
      found = depth_ <= most_depth && look_at_each(owner);
    } else {
      using pointee = typename T::element_type;
      found = look_at_word(reinterpret_cast<std::uintptr_t>(owner.get()), std::addressof(owner));
      if constexpr (std::is_object_v<pointee> && Complete<pointee> && !std::is_unbounded_array_v<pointee> &&
                    std::is_same_v<T, std::unique_ptr<pointee, typename T::deleter_type>>) {
        found = found || (owner != nullptr && depth_ <= most_depth && look_at(*owner));
      }
    }
    --depth_;
    offset_ = outside;
    return found;
  }

  template <class Parts>
  bool look_at_each(Parts const& parts) noexcept {
    for (auto const& part : parts) {
      if (look_at(part)) return true;
    }
    return false;
  }

  bool look_at_word(std::uintptr_t word, void const* where) noexcept {
    return range_.has(word) && take(as_address(word), where);
  }

  bool look_into(std::exception_ptr const& error) noexcept {
    if (error == nullptr || filter_.held_by == nullptr) return false;
    void const* const held = filter_.held_by(filter_.context, error);
    if (held == nullptr) return false;
    hit_ = egress_hit{held, offset_of(std::addressof(error))};
    return true;
  }

  bool look_at_bytes(void const* bytes, std::size_t count) noexcept {
    for (std::size_t from = 0; auto const found = find_address_in_bytes(bytes, count, range_, from);) {
      if (take(found->address, static_cast<std::byte const*>(bytes) + found->offset)) return true;
      from = found->offset + 1;
    }
    return false;
  }

  bool take(void const* address, void const* where) noexcept {
    if (filter_.matters != nullptr && !filter_.matters(filter_.context, address)) return false;
    hit_ = egress_hit{address, offset_of(where)};
    return true;
  }

  /// Where this lies in the value; or, in memory that the value owns, where the owner does.
  [[nodiscard]] std::size_t offset_of(void const* where) const noexcept {
    std::uintptr_t const distance = reinterpret_cast<std::uintptr_t>(where) - value_;
    return distance < bytes_ ? distance : offset_;
  }

  address_range range_;
  address_filter filter_;
  std::uintptr_t value_;
  std::size_t bytes_;
  std::size_t offset_ = 0;
  std::uint32_t depth_ = 0;
  std::optional<egress_hit> hit_;
};

}  // namespace detail

template <class T>
std::optional<egress_hit> find_address(T const& value, address_range range,
                                       [[maybe_unused]] address_filter filter) noexcept {
  if constexpr (walks<T>) {
    detail::egress_walk walk(std::addressof(value), sizeof(T), range, filter);
    walk.look_at(value);
    return walk.hit();
  } else {
    return std::nullopt;
  }
}

// What the library's own values hold looks like addresses, or is meant to be kept: ids, handles. A scope_hold is
// walked: a value that brings one along may point into what it keeps, and the egress check looks for it.
template <>
inline constexpr bool walks<scope_id> = false;
template <>
inline constexpr bool walks<stop_token> = false;
template <typename T>
inline constexpr bool walks<scoped_ref<T>> = false;

}  // namespace mayfly
