#pragma once

// The shapes of values that requests return, each as native objects and as a Boost.JSON tree, in memory of two kinds.
// Both kinds run the same templates: what differs is where memory comes from and how it goes.

#include <mayfly/arena.hpp>
#include <mayfly/json_resource.hpp>

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

namespace shapes {

namespace json = boost::json;

/// Keeps the compiler from knowing what a number is, or what became of an object.
inline std::int64_t opaque(std::int64_t value) {
  asm volatile("" : "+r"(value));
  return value;
}
inline void seen(void const* object) { asm volatile("" : : "r"(object) : "memory"); }

// ---- memory

/// The global heap: every record owned by a unique_ptr, trees on Boost.JSON's default storage.
class on_heap {
 public:
  template <class T>
  using owner = std::unique_ptr<T>;

  template <class T, class... Fields>
  owner<T> make(Fields&&... fields) {
    return owner<T>{new T{std::forward<Fields>(fields)...}};
  }
  [[nodiscard]] json::storage_ptr trees() const { return {}; }
};

/// The request's arena: records by pointer, trees on an arena's storage; all of it goes when the request closes.
class in_arena {
 public:
  explicit in_arena(mayfly::arena& memory) : memory_(memory), trees_(memory) {}

  template <class T>
  using owner = T*;

  template <class T, class... Fields>
  owner<T> make(Fields&&... fields) {
    return memory_.make<T>(std::forward<Fields>(fields)...);
  }
  [[nodiscard]] json::storage_ptr trees() { return json::storage_ptr{&trees_}; }

 private:
  mayfly::arena& memory_;
  mayfly::json_resource trees_;
};

/// Goes through a tree once, member by member, as a serialiser does.
inline std::int64_t sum_of_members(json::object const& record) {
  std::int64_t sum = 0;
  for (auto const& member : record) {
    auto const* const inner = member.value().if_object();
    sum += inner == nullptr ? member.value().get_int64() : sum_of_members(*inner);
  }
  return sum;
}

// ---- flat: one record of three integers

struct point {
  std::int64_t x, y, z;
};

struct flat_native {
  template <class Memory>
  static auto build(Memory& memory, std::int64_t n) {
    return memory.template make<point>(n, n + 1, n + 2);
  }
  template <class Owner>
  static std::int64_t read(Owner const& record) {
    return record->x + record->y + record->z;
  }
};

struct flat_json {
  template <class Memory>
  static json::value build(Memory& memory, std::int64_t n) {
    json::object record(3, memory.trees());
    record.emplace("x", n);
    record.emplace("y", n + 1);
    record.emplace("z", n + 2);
    return record;
  }
  static std::int64_t read(json::value const& tree) { return sum_of_members(tree.get_object()); }
};

// ---- branch: one of two records, by a condition

struct circle {
  std::int64_t radius;
};
struct rectangle {
  std::int64_t width, height;
};

struct branch_native {
  template <class Memory>
  using either = std::variant<typename Memory::template owner<circle>, typename Memory::template owner<rectangle>>;

  template <class Memory>
  static either<Memory> build(Memory& memory, std::int64_t n) {
    if (n % 2 == 0) return memory.template make<circle>(n);
    return memory.template make<rectangle>(n, n + 1);
  }
  template <class Either>
  static std::int64_t read(Either const& shape) {
    if (shape.index() == 0) return std::get<0>(shape)->radius;
    auto const& sides = std::get<1>(shape);
    return sides->width + sides->height;
  }
};

struct branch_json {
  template <class Memory>
  static json::value build(Memory& memory, std::int64_t n) {
    json::object shape(memory.trees());
    if (n % 2 == 0) {
      shape.reserve(1);
      shape.emplace("radius", n);
    } else {
      shape.reserve(2);
      shape.emplace("width", n);
      shape.emplace("height", n + 1);
    }
    return shape;
  }
  static std::int64_t read(json::value const& tree) { return sum_of_members(tree.get_object()); }
};

// ---- deep: three records, one in the other

template <class Memory>
struct engine_record {
  std::int64_t power;
};
template <class Memory>
struct car_record {
  std::int64_t wheels;
  typename Memory::template owner<engine_record<Memory>> engine;
};
template <class Memory>
struct owner_record {
  std::int64_t age;
  typename Memory::template owner<car_record<Memory>> car;
};

struct deep_native {
  template <class Memory>
  static auto build(Memory& memory, std::int64_t n) {
    auto engine = memory.template make<engine_record<Memory>>(n);
    auto car = memory.template make<car_record<Memory>>(n + 1, std::move(engine));
    return memory.template make<owner_record<Memory>>(n + 2, std::move(car));
  }
  template <class Owner>
  static std::int64_t read(Owner const& person) {
    return person->age + person->car->wheels + person->car->engine->power;
  }
};

struct deep_json {
  template <class Memory>
  static json::value build(Memory& memory, std::int64_t n) {
    json::object person(2, memory.trees());
    person.emplace("age", n + 2);
    auto& car = person.emplace("car", json::object_kind).first->value().get_object();
    car.reserve(2);
    car.emplace("wheels", n + 1);
    auto& engine = car.emplace("engine", json::object_kind).first->value().get_object();
    engine.reserve(1);
    engine.emplace("power", n);
    return person;
  }
  static std::int64_t read(json::value const& tree) { return sum_of_members(tree.get_object()); }
};

/// The same tree as a copy of one that was made once, with the numbers put in: no name is looked for, and all room is
/// asked for as it is needed.
struct deep_json_copied : deep_json {
  template <class Memory>
  static json::value build(Memory& memory, std::int64_t n) {
    static json::value const prototype = [] {
      on_heap heap;
      return deep_json::build(heap, 0);
    }();
    json::value person(prototype, memory.trees());  // braces would make a list of the two
    auto member = person.get_object().begin();
    member->value() = n + 2;
    auto car = (++member)->value().get_object().begin();
    car->value() = n + 1;
    (++car)->value().get_object().begin()->value() = n;
    return person;
  }
};

}  // namespace shapes
