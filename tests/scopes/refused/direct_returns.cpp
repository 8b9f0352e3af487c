// Clang says of each return that it gives memory of an arena that ends here, or what a hold or pin that ends here kept.
#include <mayfly/arena.hpp>
#include <mayfly/scope_hold.hpp>
#include <mayfly/scoped_ref.hpp>

#include <string_view>

struct order {
  int total = 0;
};
order* pointer(mayfly::page_pool& pages);
order& reference(mayfly::page_pool& pages);
std::string_view text(mayfly::page_pool& pages);
int number(mayfly::page_pool& pages);
order* object(mayfly::scoped_ref<order> kept);
order& dereferenced(mayfly::scoped_ref<order> kept);
mayfly::scope& held(mayfly::scope& in);
mayfly::scope& pinned(mayfly::scope_pin by);
int total(mayfly::scoped_ref<order> kept);

order* pointer(mayfly::page_pool& pages) {
  mayfly::arena local{pages};
  return local.make<order>();
}
order& reference(mayfly::page_pool& pages) {
  mayfly::arena by_reference{pages};
  return *by_reference.make<order>();
}
std::string_view text(mayfly::page_pool& pages) {
  mayfly::arena of_text{pages};
  return of_text.copy("text");
}
// This one is fine.
int number(mayfly::page_pool& pages) {
  mayfly::arena of_number{pages};
  return of_number.make<order>()->total;
}

order* object(mayfly::scoped_ref<order> kept) {
  auto pinned_here = kept.pin();
  return pinned_here.get();
}
order& dereferenced(mayfly::scoped_ref<order> kept) {
  auto pinned_object = kept.pin();
  return *pinned_object;
}
mayfly::scope& held(mayfly::scope& in) {
  mayfly::scope_hold held_here = in.hold();
  return held_here.get();
}
mayfly::scope& pinned(mayfly::scope_pin by) { return by.get(); }
// This one is fine.
int total(mayfly::scoped_ref<order> kept) {
  auto pinned_for_now = kept.pin();
  return pinned_for_now ? pinned_for_now->total : 0;
}
