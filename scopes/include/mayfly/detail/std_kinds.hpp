#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// Which templates and classes of the standard library a type is made from, by their names: a declaration would need
/// the header, and the containers' headers would cost every source that includes ours more than all the rules do.
/// Whoever derives from one of them, or looks like one, has another name, and is none.
namespace mayfly::detail {

/// What the rules know how to look into.
enum class std_kind : std::uint8_t {
  none,
  text,
  container,
  adaptor,
  variant,
  expected,
  promised,
  complex,
  bitset,
  path,
  lock,
  thread_id,
};

/// A template or class, by its name without the library's own inner namespaces.
struct named_kind {
  std::string_view name;
  std_kind kind;
};

inline constexpr std::array std_templates{
    named_kind{"std::basic_string", std_kind::text},
    named_kind{"std::vector", std_kind::container},
    named_kind{"std::deque", std_kind::container},
    named_kind{"std::list", std_kind::container},
    named_kind{"std::forward_list", std_kind::container},
    named_kind{"std::map", std_kind::container},
    named_kind{"std::multimap", std_kind::container},
    named_kind{"std::set", std_kind::container},
    named_kind{"std::multiset", std_kind::container},
    named_kind{"std::unordered_map", std_kind::container},
    named_kind{"std::unordered_multimap", std_kind::container},
    named_kind{"std::unordered_set", std_kind::container},
    named_kind{"std::unordered_multiset", std_kind::container},
    named_kind{"std::stack", std_kind::adaptor},
    named_kind{"std::queue", std_kind::adaptor},
    named_kind{"std::priority_queue", std_kind::adaptor},
    named_kind{"std::variant", std_kind::variant},
    named_kind{"std::expected", std_kind::expected},
    named_kind{"std::future", std_kind::promised},
    named_kind{"std::shared_future", std_kind::promised},
    named_kind{"std::promise", std_kind::promised},
    named_kind{"std::complex", std_kind::complex},
    named_kind{"std::bitset", std_kind::bitset},
};

inline constexpr std::array std_classes{
    named_kind{"std::filesystem::path", std_kind::path},
    named_kind{"std::shared_mutex", std_kind::lock},
    named_kind{"std::shared_timed_mutex", std_kind::lock},
    named_kind{"std::thread::id", std_kind::thread_id},
};

/// Whether `spelled` is that name, as a library may spell it: std::__cxx11::basic_string, std::__1::vector. Names that
/// begin with two underscores are the library's own.
constexpr bool is_spelling_of(std::string_view spelled, std::string_view name) {
  constexpr std::string_view joint = "::";
  while (true) {
    std::size_t const end = name.find(joint);
    std::string_view const part = name.substr(0, end);
    if (!spelled.starts_with(part)) return false;
    spelled.remove_prefix(part.size());
    if (end == std::string_view::npos) return spelled.empty();
    if (!spelled.starts_with(joint)) return false;
    spelled.remove_prefix(joint.size());
    name.remove_prefix(end + joint.size());
    while (spelled.starts_with("__") && spelled.find(joint) != std::string_view::npos) {
      spelled.remove_prefix(spelled.find(joint) + joint.size());
    }
  }
}

template <std::size_t N>
constexpr std_kind kind_of_spelling(std::array<named_kind, N> const& known, std::string_view spelled) {
  if (!spelled.starts_with("std::")) return std_kind::none;
  for (named_kind const& one : known) {
    if (is_spelling_of(spelled, one.name)) return one.kind;
  }
  return std_kind::none;
}

/// What a compiler writes for the one argument of a function template: "... [with X = std::vector]", "[X =
/// std::vector]".
constexpr std::string_view argument_in(std::string_view function) {
  constexpr std::string_view before = "X = ";
  function.remove_prefix(function.find(before) + before.size());
  return function.substr(0, function.rfind(']'));
}

// The functions give their own spelling, which has that of their argument.

template <template <class...> class X>
constexpr auto spelled_template() {
  return argument_in(__PRETTY_FUNCTION__);
}
template <template <std::size_t> class X>
constexpr auto spelled_sized_template() {
  return argument_in(__PRETTY_FUNCTION__);
}
template <class X>
constexpr auto spelled_class() {
  return argument_in(__PRETTY_FUNCTION__);
}

// Once for each template, however many types are made from it.

template <template <class...> class Template>
inline constexpr std_kind template_kind = kind_of_spelling(std_templates, spelled_template<Template>());
template <template <std::size_t> class Template>
inline constexpr std_kind sized_template_kind = kind_of_spelling(std_templates, spelled_sized_template<Template>());
template <class T>
inline constexpr std_kind class_kind = kind_of_spelling(std_classes, spelled_class<T>());

/// Of which kind this type is, when it is made from one of std_templates.
template <class T>
inline constexpr std_kind kind_by_template = std_kind::none;
template <template <class...> class Template, class... Args>
inline constexpr std_kind kind_by_template<Template<Args...>> = template_kind<Template>;
template <template <std::size_t> class Template, std::size_t N>
inline constexpr std_kind kind_by_template<Template<N>> = sized_template_kind<Template>;

}  // namespace mayfly::detail
