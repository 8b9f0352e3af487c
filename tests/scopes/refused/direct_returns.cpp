// Clang says of each return that it gives memory of an arena that ends here.
#include <mayfly/arena.hpp>

#include <string_view>

struct order {
  int total = 0;
};
order* pointer(mayfly::page_pool& pages);
order& reference(mayfly::page_pool& pages);
std::string_view text(mayfly::page_pool& pages);
int number(mayfly::page_pool& pages);

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
