#include <mayfly/detail/detacher.hpp>

#include <variant>

namespace mayfly::detail {

void throw_bad_variant_access() { throw std::bad_variant_access{}; }

}  // namespace mayfly::detail
