#include "through_resource.hpp"

#include "contest.hpp"

namespace contest {

void fill_through(std::pmr::memory_resource& resource) {
  fill([&] { return resource.allocate(bytes, alignof(void*)); });
}

}  // namespace contest
