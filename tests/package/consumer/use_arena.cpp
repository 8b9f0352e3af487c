// Component `arena`: a string in an arena's page.
#include <mayfly/arena.hpp>
#include <mayfly/page_pool.hpp>

#include <cstdio>
#include <string_view>

int main() {
  mayfly::page_pool pages;
  mayfly::arena arena{pages};
  std::string_view const hello = arena.copy("hello from the installed arena");
  std::printf("%.*s\n", static_cast<int>(hello.size()), hello.data());
  return arena.usage().page_count() == 1 ? 0 : 1;
}
