// Component `scopes`: a scope is found by its id while it lives, and not afterwards.
#include <mayfly/page_pool.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <cstdio>

int main() {
  mayfly::page_pool pages;
  mayfly::scope_registry registry{pages};
  mayfly::scope* const opened = registry.open({.route = "hello"});
  if (opened == nullptr) return 1;
  mayfly::scope_id const id = opened->id();
  bool const found = registry.find(id).has_value();
  opened->close();
  bool const found_later = registry.find(id).has_value();
  std::puts("hello from the installed scopes");
  return found && !found_later ? 0 : 1;
}
