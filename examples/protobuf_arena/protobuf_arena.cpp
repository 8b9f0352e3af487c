// protobuf messages in a request's arena: google::protobuf::Arena takes its blocks from ours.

#include "order.pb.h"
#include "protobuf_blocks.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using mayfly::example::Line;
using mayfly::example::Order;

std::string an_order() {
  Order order;
  order.set_customer("a customer whose name is too long to be kept inside of a string object");
  for (int i = 0; i < 1'000; ++i) {
    Line& line = *order.add_lines();
    line.set_article("an article with a name of some length, number " + std::to_string(i));
    line.set_count(2);
    line.set_price(10.0);
  }
  (*order.mutable_notes())["gift"] = "yes";
  return order.SerializeAsString();
}

/// One request: parse and compute. Messages, maps and repeated fields lie in `memory`; the characters of long strings
/// do not: protobuf 3.21 keeps a std::string in its arena, which takes them from the heap and is destroyed with it.
bool handle(mayfly::arena& memory, std::string const& bytes, bool says_so) {
  mayfly::example::protobuf_blocks const blocks{memory};
  google::protobuf::Arena messages{blocks.options()};
  auto* const order = google::protobuf::Arena::CreateMessage<Order>(&messages);
  if (!order->ParseFromString(bytes)) return false;
  double sum = 0;
  bool all_inside = memory.pool().owner_of(order) != 0;
  for (Line const& line : order->lines()) {
    sum += line.count() * line.price();
    all_inside = all_inside && memory.pool().owner_of(&line) != 0;
  }
  if (says_so) {
    std::printf("order of %d lines, %.0f cents; %s; ", order->lines_size(), sum * 100,
                all_inside ? "every message in the request's arena" : "messages OUTSIDE the arena");
  }
  return all_inside;
}

}  // namespace

int main() {
  mayfly::page_pool pool;
  std::string const bytes = an_order();
  bool good = true;
  std::size_t after_one = 0;
  for (int request = 0; request < 100; ++request) {
    mayfly::byte_budget budget{4 << 20};
    mayfly::arena memory{pool, {.budget = &budget, .owner_tag = 1}};
    good = handle(memory, bytes, request == 0) && good;
    if (request == 0) after_one = pool.committed_bytes();
  }
  std::printf("pages made for 100 requests: %s\n", pool.committed_bytes() == after_one ? "as for one" : "MORE");
  google::protobuf::ShutdownProtobufLibrary();
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
