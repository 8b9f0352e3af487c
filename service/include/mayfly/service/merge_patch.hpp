#pragma once

#include <boost/json/value.hpp>

namespace mayfly::service {

/// Applies a JSON Merge Patch (RFC 7396) to `target` in place. Members that stay keep their order, new ones follow.
/// What is taken from the patch is copied into the storage of `target`; the patch is only read, so threads can share
/// it. Stack: bounded by the depth of the patch.
void merge_patch(boost::json::value& target, boost::json::value const& patch);

}  // namespace mayfly::service
