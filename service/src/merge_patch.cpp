#include <mayfly/service/merge_patch.hpp>

#include <boost/json/object.hpp>

namespace mayfly::service {

namespace json = boost::json;

// RFC 7396 section 2, line by line:
//   define MergePatch(Target, Patch):
//     if Patch is an Object:
//       if Target is not an Object: Target = {}
//       for each Name/Value pair in Patch:
//         if Value is null: remove the Name/Value pair from Target, if there
//         else: Target[Name] = MergePatch(Target[Name], Value)
//       return Target
//     else: return Patch
void merge_patch(json::value& target, json::value const& patch) {
  auto const* changes = patch.if_object();
  if (changes == nullptr) {
    target = json::value(patch, target.storage());
    return;
  }
  json::object& object = target.is_object() ? target.get_object() : target.emplace_object();
  for (auto const& change : *changes) {
    if (change.value().is_null()) {
      auto const found = object.find(change.key());
      if (found != object.end()) object.stable_erase(found);
    } else {
      merge_patch(object[change.key()], change.value());
    }
  }
}

}  // namespace mayfly::service
