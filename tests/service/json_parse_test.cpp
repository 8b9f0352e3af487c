#include "support.hpp"
#include <mayfly/service/json_write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace mayfly::service {
namespace {

using test::ask;

std::string echo(std::string_view request) {
  auto const reply = ask(request, handler_kind::echo);
  EXPECT_TRUE(reply.ok) << request << ": " << reply.text << " at " << reply.at;
  return reply.text;
}

TEST(Echo, NumbersComeBackAsTheyWereWritten) {
  for (std::string_view const number :
       {"0",
        "-0",
        "-0.0",
        "1.0",
        "1",
        "-1",
        "1e400",
        "-1e-400",
        "1E+2",
        "123456789012345678901234567890",
        "0.1000",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1.7976931348623159e308",
        "5e-324",
        "12345678901234567890.5",
        "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798"}) {
    EXPECT_EQ(echo(number), number);
    std::string const inside = "[" + std::string(number) + ",{\"a\":" + std::string(number) + "}]";
    EXPECT_EQ(echo(inside), inside);
    // With 33 bytes and more to come the parser takes another way through a number.
    std::string const before = "[" + std::string(number) + ",\"" + std::string(40, 'x') + "\"]";
    EXPECT_EQ(echo(before), before);
  }
}

TEST(Echo, MembersKeepTheirOrderAndWhiteSpaceGoes) {
  EXPECT_EQ(echo(" { \"b\" : [ 1 , 2 , [ ] , { } ] ,\r\n\t\"a\" : \"x y\" } "), R"({"b":[1,2,[],{}],"a":"x y"})");
}

TEST(Echo, RepeatedNamesComeBackAsRead) {
  EXPECT_EQ(echo(R"({"a":"b","a":"b"})"), R"({"a":"b","a":"b"})");
  EXPECT_EQ(echo(R"([{"a":{"x":1,"x":[]},"b":[{}],"a":-0}])"), R"([{"a":{"x":1,"x":[]},"b":[{}],"a":-0}])");
}

TEST(Echo, StringsComeBackWithTheFewestEscapes) {
  EXPECT_EQ(echo(R"("\u0041\/\u00e9\ud83d\ude00\"")"), "\"A/\xC3\xA9\xF0\x9F\x98\x80\\\"\"");
  EXPECT_EQ(echo("\"\xEF\xBF\xBF\""), "\"\xEF\xBF\xBF\"");
}

TEST(Echo, StringsThatLookLikeOurMarksAreImpossible) {
  EXPECT_FALSE(ask("\"\xFF"
                   "12\"",
                   handler_kind::echo)
                   .ok);
  EXPECT_FALSE(ask("[\"\xFE\"]", handler_kind::echo).ok);
  EXPECT_EQ(echo("[\"\\u00ff\",\"\\u00fe\"]"), "[\"\xC3\xBF\",\"\xC3\xBE\"]");
}

TEST(Parse, ByteOrderMarkAtTheStartIsSkipped) {
  EXPECT_EQ(echo("\xEF\xBB\xBF{}"), "{}");
  EXPECT_FALSE(ask("\xEF\xBB{}", handler_kind::echo).ok);
  EXPECT_FALSE(ask("\xEF\xBB\xBF", handler_kind::echo).ok);
  EXPECT_EQ(ask("\xEF\xBB\xBF[1,]", handler_kind::echo).at, 6U);
}

TEST(Parse, ErrorsSayWhatAndWhere) {
  struct sample {
    std::string_view request;
    std::size_t at;
    std::string_view text;
  };
  for (auto const& [request, at, text] : {
           sample{"", 0, "the text ends in the middle of a value"},
           sample{"[1,2", 4, "the text ends in the middle of a value"},
           sample{"\"abc", 4, "the text ends in the middle of a value"},
           sample{"[1,}", 3, "not JSON: unexpected '}'"},
           sample{"{\"a\" 1}", 5, "not JSON: unexpected '1'"},
           sample{"{} x", 3, "more text after the end of the value"},
           sample{"[\"a\tb\"]", 3, "not JSON: unexpected control character 0x09"},
           sample{"[\"a\xFF\"]", 3, "not JSON: unexpected byte 0xff, or not UTF-8"},
           sample{"01", 1, "more text after the end of the value"},
           sample{"[nul]", 1, "not JSON: unexpected 'n'"},
       }) {
    auto const reply = ask(request, handler_kind::echo);
    EXPECT_FALSE(reply.ok) << request;
    EXPECT_EQ(reply.kind, failure::bad_json);
    EXPECT_EQ(reply.at, at) << request;
    EXPECT_EQ(reply.text, text) << request;
  }
}

TEST(Parse, RepeatedNamesAreToldInWholeCharactersWhateverTheyHold) {
  auto const complaint = [](std::string const& name) {
    return ask("{\"" + name + "\":1,\"" + name + "\":2}", handler_kind::extract).text;
  };
  auto const told = [](std::string const& name) { return "the name \"" + name + "\" appears twice in one object"; };
  std::string const kept(99, 'x');
  EXPECT_EQ(complaint(kept + "yz"), told(kept + "y"));
  EXPECT_EQ(complaint(kept + "\xC3\xA9"), told(kept));
  EXPECT_EQ(complaint("\\u0000b"), told(std::string("\0b", 2)));
  EXPECT_EQ(complaint("%s%n"), told("%s%n"));
}

TEST(Parse, LoneSurrogatesAreRefused) {
  for (std::string_view const request : {R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")", R"("\ud800\ud800")",
                                         R"({"\udfaa":0})", R"("\ud800abc")", "\"\xED\xA0\x80\""}) {
    EXPECT_FALSE(ask(request, handler_kind::echo).ok) << request;
  }
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string nested_objects(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i + 1 < depth; ++i) text += "{\"a\":";
  return text + "{}" + std::string(depth - 1, '}');
}

/// Each object has its name twice, so that echo reads and writes lists of pairs.
std::string nested_repetitions(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i + 1 < depth; ++i) text += "{\"a\":0,\"a\":";
  return text + "{}" + std::string(depth - 1, '}');
}

TEST(Parse, DepthLimitLetsTheLastLevelInAndNotTheNext) {
  handler_settings settings;
  settings.max_depth = 20;
  for (auto* make : {&nested, &nested_objects}) {
    EXPECT_TRUE(ask(make(20), settings).ok);
    auto const reply = ask(make(21), settings);
    EXPECT_FALSE(reply.ok);
    EXPECT_EQ(reply.kind, failure::too_deep);
    EXPECT_EQ(reply.text, "nested deeper than 20 levels");
    EXPECT_EQ(reply.at, make(21).find(make == &nested ? "[[[" : "{}") == 0 ? 20U : 100U);
  }
}

TEST(Parse, TheDeepestDepthOnOfferDoesNotOverflowTheStack) {
  handler_settings settings;
  settings.max_depth = deepest_depth;
  for (auto const kind : {handler_kind::echo, handler_kind::canonicalize}) {
    settings.kind = kind;
    EXPECT_EQ(ask(nested(deepest_depth), settings).text, nested(deepest_depth));
    EXPECT_EQ(ask(nested_objects(deepest_depth), settings).text, nested_objects(deepest_depth));
    EXPECT_EQ(ask(nested(1'000'000), settings).kind, failure::too_deep);
    auto const repeated = ask(nested_repetitions(deepest_depth), settings);
    if (kind == handler_kind::echo) {
      EXPECT_EQ(repeated.text, nested_repetitions(deepest_depth));
    } else {
      EXPECT_EQ(repeated.kind, failure::repeated_name);
      EXPECT_EQ(repeated.at, 7U);
    }
  }
}

/// Every two, three and four byte sequence after which the parser's opinion of UTF-8 could differ from the standard's.
TEST(Parse, Utf8IsCheckedByTheTableOfTheUnicodeStandard) {
  auto const valid = [](unsigned a, unsigned b, unsigned c, unsigned d, int n) {
    auto const tail = [](unsigned x) { return x >= 0x80 && x <= 0xBF; };
    if (n == 2) return a >= 0xC2 && a <= 0xDF && tail(b);
    if (n == 3) {
      unsigned const low = a == 0xE0 ? 0xA0 : 0x80;
      unsigned const high = a == 0xED ? 0x9F : 0xBF;
      return a >= 0xE0 && a <= 0xEF && b >= low && b <= high && tail(c);
    }
    unsigned const low = a == 0xF0 ? 0x90 : 0x80;
    unsigned const high = a == 0xF4 ? 0x8F : 0xBF;
    return a >= 0xF0 && a <= 0xF4 && b >= low && b <= high && tail(c) && tail(d);
  };
  auto const accepted = [](std::string const& sequence) {
    bool const plain = ask('"' + sequence + '"', handler_kind::echo).ok;
    // Behind an escape the parser takes another path.
    EXPECT_EQ(ask("\"\\n" + sequence + '"', handler_kind::echo).ok, plain);
    return plain;
  };
  auto const bytes = [](std::initializer_list<unsigned> list) {
    std::string text;
    for (unsigned const byte : list) text.push_back(static_cast<char>(byte));
    return text;
  };
  constexpr std::array<unsigned, 12> seconds{0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xF0, 0xFF};
  for (unsigned a = 0x80; a <= 0xFF; ++a) {
    EXPECT_FALSE(accepted(bytes({a}))) << a;
    for (unsigned const b : seconds) {
      ASSERT_EQ(accepted(bytes({a, b})), valid(a, b, 0, 0, 2)) << a << " " << b;
      for (unsigned const c : {0x41U, 0x80U, 0xBFU, 0xC0U}) {
        bool const two_and_ascii = valid(a, b, 0, 0, 2) && c == 0x41;
        ASSERT_EQ(accepted(bytes({a, b, c})), valid(a, b, c, 0, 3) || two_and_ascii) << a << " " << b << " " << c;
        ASSERT_EQ(accepted(bytes({a, b, c, 0x80})), valid(a, b, c, 0x80, 4)) << a << " " << b << " " << c;
      }
    }
  }
}

/// Memory that gives out after so many bytes.
class bounded_resource : public std::pmr::memory_resource, public boost::json::memory_resource {
 public:
  explicit bounded_resource(std::size_t bytes) : left_(bytes) {}

 private:
  // malloc, whose alignment is enough for all: Boost.JSON 1.81 gives keys back with another alignment than it asked
  // for.
  void* take(std::size_t bytes) {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    void* const place = std::malloc(bytes);
    if (place == nullptr) throw std::bad_alloc();
    return place;
  }
  void* do_allocate(std::size_t bytes, std::size_t) override { return take(bytes); }
  void do_deallocate(void* place, std::size_t, std::size_t) override { std::free(place); }
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override {
    return static_cast<std::pmr::memory_resource const*>(this) == &other;
  }
  bool do_is_equal(boost::json::memory_resource const& other) const noexcept override {
    return static_cast<boost::json::memory_resource const*>(this) == &other;
  }

  std::size_t left_;
};

TEST(Handlers, RunningOutOfMemoryAtAnyPointIsAnErrorWithAPlace) {
  std::string request = "{\"names\":[";
  for (int i = 0; i < 50; ++i) request += "{\"a long name for a member\":\"a long string for a value\",\"n\":1.25},";
  request += "{}]}";
  handler_settings settings;
  settings.kind = handler_kind::canonicalize;
  std::size_t last_at = 0;
  bool succeeded = false;
  for (std::size_t budget = 0; budget < 200'000 && !succeeded; budget += 97) {
    bounded_resource bounded(budget);
    request_memory const memory{static_cast<boost::json::memory_resource*>(&bounded), &bounded};
    answer_buffer answer(&bounded, request.size());
    request_error error;
    succeeded = handle_request(request, memory, settings, {}, answer, error);
    if (succeeded) break;
    EXPECT_EQ(error.kind(), failure::over_budget);
    EXPECT_EQ(error.text(), "out of memory");
    EXPECT_GE(error.at(), last_at);
    EXPECT_LE(error.at(), request.size());
    last_at = error.at();
  }
  EXPECT_TRUE(succeeded);
  EXPECT_EQ(last_at, request.size());
}

TEST(Handlers, AnInterruptedRequestEndsEarly) {
  std::string request = "[0";
  for (int i = 0; i < 100'000; ++i) request += ",1";
  request += "]";
  int asked = 0;
  interruption const interrupt{[](void* count) { return ++*static_cast<int*>(count) == 3; }, &asked};
  answer_buffer answer(std::pmr::new_delete_resource());
  request_error error;
  EXPECT_FALSE(handle_request(request, test::heap_memory(), {}, interrupt, answer, error));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(error.kind(), failure::expired);
  EXPECT_LT(error.at(), request.size() / 2);
}

TEST(Handlers, ErrorLinesAreJsonThemselves) {
  answer_buffer line(std::pmr::new_delete_resource());
  write_error_line(17, {failure::bad_json, "odd \"name\"\n", 42}, "", line);
  EXPECT_EQ(line.str(), R"({"request":17,"error":"odd \"name\"\n","at":42})");
  line.release();
  write_error_line(1, {failure::unreadable, "no", 0}, "a.json", line);
  EXPECT_EQ(line.str(), R"({"request":1,"error":"no","at":0,"file":"a.json"})");
  line.release();
  write_error_line(1, {failure::unreadable, "\xC3", 0}, "\xFF\xC3\xA9\xE2\x82.json", line);
  EXPECT_EQ(line.str(), "{\"request\":1,\"error\":\"\uFFFD\",\"at\":0,\"file\":\"\uFFFD\u00E9\uFFFD\uFFFD.json\"}");
}

TEST(Handlers, LongErrorTextsAreCutAtAWholeCharacter) {
  std::string text(request_error::capacity - 1, 'x');
  request_error error(failure::internal, text + "\xC3\xA9", 0);
  EXPECT_EQ(error.text(), text);
  error.assign(failure::internal, text + "y", 0);
  EXPECT_EQ(error.text(), text + "y");
}

TEST(AnswerBuffer, PiecesMakeTheTextWhateverTheirSizes) {
  std::mt19937_64 random(7);
  answer_buffer buffer(std::pmr::new_delete_resource(), 10);
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    std::string const piece(random() % 700, static_cast<char>('a' + random() % 26));
    expected += piece;
    if (random() % 3 == 0) {
      char* end = buffer.reserve(piece.size());
      buffer.commit(std::copy(piece.begin(), piece.end(), end));
    } else {
      buffer.append(piece);
    }
    if (random() % 5 == 0) {
      buffer.push('!');
      expected += '!';
    }
  }
  EXPECT_EQ(buffer.str(), expected);
  EXPECT_EQ(buffer.size(), expected.size());
  EXPECT_LT(buffer.chunk_count(), 40U);
  answer_buffer moved = std::move(buffer);
  EXPECT_EQ(moved.str(), expected);
  EXPECT_EQ(buffer.size(), 0U);  // NOLINT(bugprone-use-after-move): it is defined to be empty
  moved.release();
  EXPECT_EQ(moved.str(), "");
}

TEST(Minefield, EchoAcceptsWhatItMustAndRefusesWhatItMust) {
  auto const data = test::test_data();
  if (!data) GTEST_SKIP() << "MAYFLY_TEST_DATA is unset: no minefield to walk";
  int files = 0;
  for (auto const& entry : std::filesystem::directory_iterator(*data / "json-minefield")) {
    std::string const name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    ++files;
    auto const reply = ask(test::read_file(entry.path()), handler_kind::echo);
    if (name.starts_with("y_")) {
      EXPECT_TRUE(reply.ok) << name << ": " << reply.text;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(reply.ok) << name;
    }
    if (reply.ok) {
      EXPECT_EQ(echo(reply.text), reply.text) << name;
    }
  }
  EXPECT_GT(files, 100);
}

}  // namespace
}  // namespace mayfly::service
