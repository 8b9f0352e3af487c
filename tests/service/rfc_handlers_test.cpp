#include "support.hpp"

#include <gtest/gtest.h>

namespace mayfly::service {
namespace {

using test::ask;

std::string merged(std::string_view target, std::string_view patch) {
  handler_settings settings;
  settings.kind = handler_kind::merge_patch;
  settings.patch = test::parse_patch(patch);
  auto const reply = ask(target, settings);
  EXPECT_TRUE(reply.ok) << reply.text;
  return reply.text;
}

// RFC 7396, Appendix A, every line.
TEST(MergePatch, AppendixAOfRfc7396) {
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), R"({})");
  EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merged(R"(["a","b"])", R"(["c","d"])"), R"(["c","d"])");
  EXPECT_EQ(merged(R"({"a":"b"})", R"(["c"])"), R"(["c"])");
  EXPECT_EQ(merged(R"({"a":"foo"})", R"(null)"), R"(null)");
  EXPECT_EQ(merged(R"({"a":"foo"})", R"("bar")"), R"("bar")");
  EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
  EXPECT_EQ(merged(R"([1,2])", R"({"a":"b","c":null})"), R"({"a":"b"})");
  EXPECT_EQ(merged(R"({})", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(MergePatch, ExampleOfRfc7396Section3) {
  EXPECT_EQ(merged(R"({"title": "Goodbye!", "author" : {"givenName" : "John", "familyName" : "Doe"},
                       "tags":[ "example", "sample" ], "content": "This will be unchanged"})",
                   R"({"title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": {"familyName": null},
                       "tags": [ "example" ]})"),
            R"({"title":"Hello!","author":{"givenName":"John"},"tags":["example"],)"
            R"("content":"This will be unchanged","phoneNumber":"+01-123-456-7890"})");
}

TEST(MergePatch, NumbersOnBothSidesStayAsWritten) {
  EXPECT_EQ(merged(R"({"keep":1.0,"big":123456789012345678901234567890,"x":-0})", R"({"new":1e400,"x":0.10})"),
            R"({"keep":1.0,"big":123456789012345678901234567890,"x":0.10,"new":1e400})");
}

TEST(MergePatch, RemovingKeepsTheOrderOfWhatStays) {
  std::string target = "{";
  std::string expected = "{";
  std::string patch = "{";
  for (int i = 0; i < 60; ++i) {
    std::string const name = "\"n" + std::to_string(i) + "\":";
    target += (i == 0 ? "" : ",") + name + "1";
    if (i % 3 == 0) {
      patch += (i == 0 ? "" : ",") + name + "null";
    } else {
      expected += (expected.size() == 1 ? "" : ",") + name + "1";
    }
  }
  EXPECT_EQ(merged(target + "}", patch + "}"), expected + "}");
}

TEST(MergePatch, RepeatedNamesAreRefused) {
  handler_settings settings;
  settings.kind = handler_kind::merge_patch;
  settings.patch = test::parse_patch("{}");
  EXPECT_EQ(ask(R"({"a":1,"a":2})", settings).kind, failure::repeated_name);
}

std::string extracted(std::string_view request, std::vector<std::string_view> const& pointers) {
  handler_settings settings;
  settings.kind = handler_kind::extract;
  for (auto const text : pointers) {
    auto parsed = json_pointer::parse(text);
    auto* pointer = std::get_if<json_pointer>(&parsed);
    if (pointer == nullptr) return "not a pointer";
    settings.pointers.push_back(std::move(*pointer));
  }
  auto const reply = ask(request, settings);
  EXPECT_TRUE(reply.ok) << reply.text;
  return reply.text;
}

constexpr std::string_view rfc6901_document =
    R"({"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8})";

// RFC 6901, section 5, every line.
TEST(Extract, ExamplesOfRfc6901Section5) {
  auto const at = [](std::string_view pointer) { return extracted(rfc6901_document, {pointer}); };
  EXPECT_EQ(at(""), R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})");
  EXPECT_EQ(at("/foo"), R"(["bar","baz"])");
  EXPECT_EQ(at("/foo/0"), R"("bar")");
  EXPECT_EQ(at("/"), "0");
  EXPECT_EQ(at("/a~1b"), "1");
  EXPECT_EQ(at("/c%d"), "2");
  EXPECT_EQ(at("/e^f"), "3");
  EXPECT_EQ(at("/g|h"), "4");
  EXPECT_EQ(at("/i\\j"), "5");
  EXPECT_EQ(at("/k\"l"), "6");
  EXPECT_EQ(at("/ "), "7");
  EXPECT_EQ(at("/m~0n"), "8");
}

// RFC 6901, section 6, every line.
TEST(Extract, UriFragmentsOfRfc6901Section6) {
  auto const at = [](std::string_view pointer) { return extracted(rfc6901_document, {pointer}); };
  EXPECT_EQ(at("#"), at(""));
  EXPECT_EQ(at("#/foo"), R"(["bar","baz"])");
  EXPECT_EQ(at("#/foo/0"), R"("bar")");
  EXPECT_EQ(at("#/"), "0");
  EXPECT_EQ(at("#/a~1b"), "1");
  EXPECT_EQ(at("#/c%25d"), "2");
  EXPECT_EQ(at("#/e%5Ef"), "3");
  EXPECT_EQ(at("#/g%7Ch"), "4");
  EXPECT_EQ(at("#/i%5Cj"), "5");
  EXPECT_EQ(at("#/k%22l"), "6");
  EXPECT_EQ(at("#/%20"), "7");
  EXPECT_EQ(at("#/m~0n"), "8");
}

TEST(Extract, EscapesAreDecodedOnceAndInTheRightOrder) {
  EXPECT_EQ(extracted(R"({"~1":1,"/":2,"~":3})", {"/~01", "/~1", "/~0"}), "[1,2,3]");
}

TEST(Extract, WhatIsNotThereIsNull) {
  std::string_view const document = R"({"list":[10,20],"text":"abc","zero":0})";
  for (std::string_view const pointer :
       {"/nothing", "/list/2", "/list/-", "/list/01", "/list/+1", "/list/ 1", "/list/1x", "/list/",
        "/list/18446744073709551616", "/text/0", "/zero/x", "/list/0/0"}) {
    EXPECT_EQ(extracted(document, {pointer}), "null") << pointer;
  }
  EXPECT_EQ(extracted(document, {"/list/1"}), "20");
}

TEST(Extract, SeveralPointersGiveAnArrayInTheirOrder) {
  EXPECT_EQ(extracted(R"({"a":1.0,"b":{"c":[-0]}})", {"/b/c/0", "/none", "/a", "/b"}), R"([-0,null,1.0,{"c":[-0]}])");
}

TEST(Extract, NumbersStayAsWritten) { EXPECT_EQ(extracted(R"({"a":[1.0,1e400]})", {"/a"}), "[1.0,1e400]"); }

TEST(Extract, MalformedPointersAreRefusedWithAPlace) {
  struct sample {
    std::string_view pointer;
    std::size_t at;
  };
  for (auto const& [pointer, at] :
       {sample{"a", 0}, sample{"/a~", 2}, sample{"/a~2", 2}, sample{"#a", 1}, sample{"#/%4", 2}, sample{"#/%xy", 2}}) {
    auto const parsed = json_pointer::parse(pointer);
    auto const* error = std::get_if<json_pointer::syntax_error>(&parsed);
    ASSERT_NE(error, nullptr) << pointer;
    EXPECT_EQ(error->at, at) << pointer;
  }
}

}  // namespace
}  // namespace mayfly::service
