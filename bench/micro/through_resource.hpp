#pragma once

#include <memory_resource>

namespace contest {

/// All allocations of one request. In a file of its own, so that the compiler knows of none which resource it is:
/// beside the contenders it made copies for some of them, with their allocation inlined.
void fill_through(std::pmr::memory_resource& resource);

}  // namespace contest
