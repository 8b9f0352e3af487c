#include "support.hpp"
#include <mayfly/service/text.hpp>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mayfly::service {
namespace {

using test::ask;

std::string canonical(std::string_view request) {
  auto const reply = ask(request, handler_kind::canonicalize);
  EXPECT_TRUE(reply.ok) << request << ": " << reply.text;
  return reply.text;
}

TEST(Canonicalize, SampleOfRfc8785Section322) {
  EXPECT_EQ(canonical(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  })"),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST(Canonicalize, SortingSampleOfRfc8785Section323) {
  EXPECT_EQ(
      canonical(R"({
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis"
  })"),
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":\"Latin Small Letter O With "
      "Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\",\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\",\"\xEF\xAC\xB3\":"
      "\"Hebrew Letter Dalet With Dagesh\"}");
}

// The documents of the RFC author's own test collection ("arrays", "french", "structures", "values", "weird").
TEST(Canonicalize, CollectionBesideRfc8785) {
  EXPECT_EQ(canonical("[56,{\"d\":true,\"10\":null,\"1\":[ ]}]"), "[56,{\"1\":[],\"10\":null,\"d\":true}]");
  EXPECT_EQ(canonical("{\"peach\":\"This sorting order\",\"p\xC3\xA9"
                      "ch\xC3\xA9\":\"is wrong according to French\","
                      "\"p\xC3\xAA"
                      "che\":\"but canonicalization MUST\",\"sin\":\"ignore locale\"}"),
            "{\"peach\":\"This sorting order\",\"p\xC3\xA9"
            "ch\xC3\xA9\":\"is wrong according to French\","
            "\"p\xC3\xAA"
            "che\":\"but canonicalization MUST\",\"sin\":\"ignore locale\"}");
  EXPECT_EQ(canonical(R"({"1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { },
                          "111": [ {"e": "yes","E": "no" } ], "A": { } })"),
            R"({"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}})");
  EXPECT_EQ(canonical(R"({"Unnormalized Unicode":"A\u030a"})"), "{\"Unnormalized Unicode\":\"A\xCC\x8A\"}");
  EXPECT_EQ(canonical(R"({"</script>":"Browser Challenge","\u20ac":"Euro Sign","\u007f":"Del","1":"One"})"),
            "{\"1\":\"One\",\"</script>\":\"Browser Challenge\",\"\x7F\":\"Del\",\"\xE2\x82\xAC\":\"Euro Sign\"}");
}

TEST(Canonicalize, EveryControlCharacterIsEscapedAsTheRfcSays) {
  for (unsigned c = 0; c < 0x20; ++c) {
    char request[16];
    std::snprintf(request, sizeof request, "\"\\u%04X\"", c);
    std::string expected;
    switch (c) {
      case 8:
        expected = "\\b";
        break;
      case 9:
        expected = "\\t";
        break;
      case 10:
        expected = "\\n";
        break;
      case 12:
        expected = "\\f";
        break;
      case 13:
        expected = "\\r";
        break;
      default: {
        char escape[16];
        std::snprintf(escape, sizeof escape, "\\u%04x", c);
        expected = escape;
      }
    }
    EXPECT_EQ(canonical(request), '"' + expected + '"');
    // The same character behind and before enough others to pass through the vector loop.
    std::string const padding(37, 'x');
    std::string const inside = std::string(request).substr(1, 6);
    EXPECT_EQ(canonical('"' + padding + inside + padding + '"'), '"' + padding + expected + padding + '"');
  }
  EXPECT_EQ(canonical("\"\\u007f\\/\""), "\"\x7F/\"");
}

TEST(Canonicalize, NumbersAreDoubles) {
  EXPECT_EQ(canonical("9007199254740993"), "9007199254740992");
  EXPECT_EQ(canonical("123456789012345678901234567890"), "1.2345678901234568e+29");
  EXPECT_EQ(canonical("18446744073709551615"), "18446744073709552000");
  EXPECT_EQ(canonical("-0"), "0");
  EXPECT_EQ(canonical("-0.0"), "0");
  EXPECT_EQ(canonical("1.0"), "1");
  EXPECT_EQ(canonical("1e-400"), "0");
  EXPECT_EQ(canonical("0.1e1"), "1");
}

TEST(Canonicalize, NumbersBeyondDoublesAreRefusedWhereTheyStand) {
  auto const reply = ask("[1, 1e400]", handler_kind::canonicalize);
  EXPECT_FALSE(reply.ok);
  EXPECT_EQ(reply.at, 4U);
  EXPECT_EQ(reply.kind, failure::bad_json);
}

TEST(Canonicalize, RepeatedNamesAreRefusedByNameAndPlace) {
  auto reply = ask(R"({"a":1,"b":{"x":1,"x\u0079":{"":0},"\u0078":2},"a":3})", handler_kind::canonicalize);
  EXPECT_FALSE(reply.ok);
  EXPECT_EQ(reply.kind, failure::repeated_name);
  EXPECT_EQ(reply.text, "the name \"x\" appears twice in one object");
  EXPECT_EQ(reply.at, 35U);
  reply = ask(R"([{"a":":\"","a":1}])", handler_kind::canonicalize);
  EXPECT_EQ(reply.at, 12U);
  // Names of different objects, and a name that is a prefix of another, are no repetition.
  EXPECT_EQ(canonical(R"([{"a":{"a":{"a":1}}},{"a":1,"aa":2,"":3}])"), R"([{"a":{"a":{"a":1}}},{"":3,"a":1,"aa":2}])");
}

TEST(Canonicalize, LargeObjectsAreCheckedForRepeatedNamesToo) {
  std::string request = "{";
  for (int i = 0; i < 1000; ++i) request += "\"n" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(ask(request + "\"last\":0}", handler_kind::canonicalize).ok);
  auto const reply = ask(request + "\"n500\":0}", handler_kind::canonicalize);
  EXPECT_EQ(reply.kind, failure::repeated_name);
  EXPECT_EQ(reply.at, request.size());
}

std::u16string utf16(std::string_view text) {
  std::u16string units;
  for (std::size_t i = 0; i < text.size();) {
    auto const byte = [&](std::size_t k) { return static_cast<unsigned>(static_cast<unsigned char>(text[i + k])); };
    unsigned point = 0;
    if (byte(0) < 0x80) {
      point = byte(0), i += 1;
    } else if (byte(0) < 0xE0) {
      point = (byte(0) & 0x1FU) << 6 | (byte(1) & 0x3FU), i += 2;
    } else if (byte(0) < 0xF0) {
      point = (byte(0) & 0xFU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU), i += 3;
    } else {
      point = (byte(0) & 0x7U) << 18 | (byte(1) & 0x3FU) << 12 | (byte(2) & 0x3FU) << 6 | (byte(3) & 0x3FU), i += 4;
    }
    if (point < 0x10000) {
      units.push_back(static_cast<char16_t>(point));
    } else {
      units.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      units.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FFU)));
    }
  }
  return units;
}

/// Random JSON with names and strings from everything that is awkward about sorting and escaping.
class random_json {
 public:
  explicit random_json(std::uint64_t seed) : random_(seed) {}

  std::string text(int depth) {
    switch (random_() % (depth > 0 ? 8 : 5)) {
      case 0:
        return "null";
      case 1:
        return random_() % 2 == 0 ? "true" : "false";
      case 2:
        return number();
      case 3:
      case 4:
        return '"' + characters() + '"';
      case 5: {
        std::string list = "[";
        for (auto n = random_() % 5; n != 0; --n) list += (list.size() > 1 ? " ," : "") + text(depth - 1);
        return list + "]";
      }
      default:
        return object(depth);
    }
  }

  std::string characters() {
    static constexpr std::string_view alphabet[] = {"a",
                                                    "b",
                                                    "A",
                                                    "z",
                                                    "0",
                                                    " ",
                                                    "\\n",
                                                    "\\u0000",
                                                    "\\u001f",
                                                    "\\\"",
                                                    "\\\\",
                                                    "\\/",
                                                    "\x7F",
                                                    "\xC2\x80",
                                                    "\xC3\xA9",
                                                    "\xE2\x82\xAC",
                                                    "\xED\x9F\xBF",
                                                    "\xEE\x80\x80",
                                                    "\xEF\xBF\xBD",
                                                    "\\uffff",
                                                    "\\ud83d\\ude00",
                                                    "\xF0\x90\x80\x80",
                                                    "\xF4\x8F\xBF\xBF"};
    std::string word;
    for (auto n = random_() % 12; n != 0; --n) word += alphabet[random_() % std::size(alphabet)];
    return word;
  }

 private:
  std::string number() {
    static constexpr std::string_view numbers[] = {"0",
                                                   "-0",
                                                   "1.0",
                                                   "1e3",
                                                   "9007199254740993",
                                                   "-17",
                                                   "0.1",
                                                   "1E-7",
                                                   "123456789012345678901234567890",
                                                   "3.0000000000000001",
                                                   "5e-324"};
    return std::string(numbers[random_() % std::size(numbers)]);
  }

  std::string object(int depth) {
    std::string members;
    for (auto n = random_() % 30; n != 0; --n) {
      if (!members.empty()) members += ", ";
      members += '"' + characters() + std::to_string(n) + "\": " + text(depth - 1);
    }
    return "{" + members + "}";
  }

  std::mt19937_64 random_;
};

void expect_sorted(boost::json::value const& tree) {
  if (auto const* object = tree.if_object()) {
    std::u16string last;
    bool first = true;
    for (auto const& member : *object) {
      auto const name = utf16({member.key().data(), member.key().size()});
      EXPECT_TRUE(first || last < name);
      first = false;
      last = name;
      expect_sorted(member.value());
    }
  } else if (auto const* array = tree.if_array()) {
    for (auto const& element : *array) expect_sorted(element);
  }
}

TEST(Canonicalize, RandomTreesKeepTheirValueAndCanonicalFormIsItsOwn) {
  std::uint64_t const seed = std::random_device{}();
  random_json random(seed);
  for (int i = 0; i < 2'000 && !::testing::Test::HasFailure(); ++i) {
    std::string const request = random.text(4);
    std::string const once = canonical(request);
    EXPECT_EQ(canonical(once), once) << "seed " << seed;
    request_error error;
    parse_progress progress;
    parse_options options;
    options.numbers = number_mode::as_double;
    auto const before = parse(request, test::heap_memory(), options, error, progress);
    auto const after = parse(once, test::heap_memory(), options, error, progress);
    ASSERT_TRUE(before && after) << request;
    EXPECT_EQ(canonical(boost::json::serialize(*before)), once) << "seed " << seed;
    expect_sorted(*after);
  }
}

TEST(Canonicalize, Utf16OrderIsThatOfCodeUnits) {
  std::uint64_t const seed = std::random_device{}();
  random_json random(seed);
  auto const decode = [](std::string const& characters) {
    return std::string(test::parse_patch('"' + characters + '"').as_string());
  };
  for (int i = 0; i < 50'000; ++i) {
    std::string const a = decode(random.characters());
    std::string const b = decode(random.characters());
    ASSERT_EQ(utf16_less(a, b), utf16(a) < utf16(b)) << a << " " << b << " seed " << seed;
  }
}

}  // namespace
}  // namespace mayfly::service
