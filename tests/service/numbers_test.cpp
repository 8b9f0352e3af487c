#include <mayfly/service/numbers.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace mayfly::service {
namespace {

template <class Number>
std::string written(Number value) {
  char text[number_text_capacity];
  return {text, write_ecmascript(text, value)};
}

double from_bits(std::uint64_t bits) { return std::bit_cast<double>(bits); }

// RFC 8785, Appendix B, all lines but the two that have no answer (NaN and Infinity).
TEST(Numbers, AppendixBOfRfc8785) {
  struct sample {
    std::uint64_t bits;
    char const* text;
  };
  for (auto const& [bits, text] : {
           sample{0x0000000000000000, "0"},
           sample{0x8000000000000000, "0"},
           sample{0x0000000000000001, "5e-324"},
           sample{0x8000000000000001, "-5e-324"},
           sample{0x7fefffffffffffff, "1.7976931348623157e+308"},
           sample{0xffefffffffffffff, "-1.7976931348623157e+308"},
           sample{0x4340000000000000, "9007199254740992"},
           sample{0xc340000000000000, "-9007199254740992"},
           sample{0x4430000000000000, "295147905179352830000"},
           sample{0x44b52d02c7e14af5, "9.999999999999997e+22"},
           sample{0x44b52d02c7e14af6, "1e+23"},
           sample{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
           sample{0x444b1ae4d6e2ef4e, "999999999999999700000"},
           sample{0x444b1ae4d6e2ef4f, "999999999999999900000"},
           sample{0x444b1ae4d6e2ef50, "1e+21"},
           sample{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
           sample{0x3eb0c6f7a0b5ed8d, "0.000001"},
           sample{0x41b3de4355555553, "333333333.3333332"},
           sample{0x41b3de4355555554, "333333333.33333325"},
           sample{0x41b3de4355555555, "333333333.3333333"},
           sample{0x41b3de4355555556, "333333333.3333334"},
           sample{0x41b3de4355555557, "333333333.33333343"},
           sample{0xbecbf647612f3696, "-0.0000033333333333333333"},
           sample{0x43143ff3c1cb0959, "1424953923781206.2"},
       }) {
    EXPECT_EQ(written(from_bits(bits)), text);
  }
}

TEST(Numbers, LayoutChangesWhereEcmaScriptSaysSo) {
  EXPECT_EQ(written(1.0), "1");
  EXPECT_EQ(written(-1.5), "-1.5");
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(123456789.25), "123456789.25");
  EXPECT_EQ(written(1e20), "100000000000000000000");
  EXPECT_EQ(written(1e21), "1e+21");
  EXPECT_EQ(written(0.00001), "0.00001");
  EXPECT_EQ(written(0.0000001), "1e-7");
  EXPECT_EQ(written(1.5e-7), "1.5e-7");
  EXPECT_EQ(written(1e100), "1e+100");
}

TEST(Numbers, IntegersBeyondTwoToThe53AreTheNearestDouble) {
  EXPECT_EQ(written(std::int64_t{9007199254740991}), "9007199254740991");
  EXPECT_EQ(written(std::int64_t{9007199254740992}), "9007199254740992");
  EXPECT_EQ(written(std::int64_t{9007199254740993}), "9007199254740992");
  EXPECT_EQ(written(std::int64_t{-9007199254740993}), "-9007199254740992");
  EXPECT_EQ(written(std::int64_t{9007199254740995}), "9007199254740996");
  EXPECT_EQ(written(std::uint64_t{18446744073709551615U}), "18446744073709552000");
  EXPECT_EQ(written(std::int64_t{-9223372036854775807 - 1}), "-9223372036854776000");
  EXPECT_EQ(written(std::int64_t{0}), "0");
}

// Shortest: no text with fewer digits reads back as the same double. Closest: none with as many is nearer to it.
TEST(Numbers, RandomDoublesAreWrittenShortestAndReadBackTheSame) {
  std::uint64_t const seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    double const value = from_bits(random());
    if (!std::isfinite(value)) continue;
    std::string const text = written(value);
    ASSERT_LE(text.size(), 25U) << "seed " << seed;
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text << " seed " << seed;
    int digits = 0;
    bool leading = true;
    std::string significant;
    for (char const c : text.substr(0, text.find('e'))) {
      if (c == '-' || c == '.' || (leading && c == '0')) continue;
      leading = false;
      significant.push_back(c);
    }
    while (significant.size() > 1 && significant.back() == '0') significant.pop_back();
    digits = static_cast<int>(significant.size());
    if (digits > 1) {
      char shorter[64];
      std::snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
      ASSERT_NE(std::strtod(shorter, nullptr), value) << text << " could be " << shorter << " seed " << seed;
    }
    char closest[64];
    std::snprintf(closest, sizeof closest, "%.*e", digits - 1, value);
    if (std::strtod(closest, nullptr) == value) {
      std::string same;
      for (char const c : std::string_view(closest).substr(0, std::string_view(closest).find('e'))) {
        if (c != '-' && c != '.') same.push_back(c);
      }
      ASSERT_EQ(significant, same) << "seed " << seed;
    }
  }
}

TEST(Numbers, RandomTextsAreReadAsTheNearestDouble) {
  std::uint64_t const seed = std::random_device{}();
  std::mt19937_64 random(seed);
  auto const digits = [&](int most) {
    std::string text;
    for (auto n = 1 + random() % static_cast<unsigned>(most); n != 0; --n)
      text.push_back(static_cast<char>('0' + random() % 10));
    return text;
  };
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += random() % 4 == 0 ? std::string("0") : std::to_string(1 + random() % 9) + digits(30);
    if (random() % 2 == 0) text += "." + digits(30);
    if (random() % 2 == 0) text += (random() % 2 == 0 ? "e" : "E-") + std::to_string(random() % 330);
    double value = -1;
    double const expected = std::strtod(text.c_str(), nullptr);
    auto const reading = read_double(text, value);
    if (std::isinf(expected)) {
      ASSERT_EQ(reading, number_reading::too_large) << text << " seed " << seed;
    } else {
      ASSERT_EQ(reading, number_reading::exact_or_nearest) << text << " seed " << seed;
      ASSERT_EQ(std::bit_cast<std::uint64_t>(value), std::bit_cast<std::uint64_t>(expected))
          << text << " seed " << seed;
    }
  }
}

TEST(Numbers, HalfwayBetweenTwoDoublesIsReadAsTheEvenOne) {
  double value = 0;
  ASSERT_EQ(read_double("9007199254740993", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 9007199254740992.0);
  ASSERT_EQ(read_double("9007199254740993.0000000000000000000000000000001", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 9007199254740994.0);
  ASSERT_EQ(read_double("2.2250738585072011e-308", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 2.2250738585072011e-308);
}

TEST(Numbers, TheEdgesOfTheRangeAreTold) {
  double value = 1;
  EXPECT_EQ(read_double("1.7976931348623157e308", value), number_reading::exact_or_nearest);
  EXPECT_EQ(read_double("1.7976931348623159e308", value), number_reading::too_large);
  EXPECT_EQ(read_double("-1e400", value), number_reading::too_large);
  EXPECT_EQ(read_double(std::string(400, '9'), value), number_reading::too_large);
  EXPECT_EQ(read_double("0.001e312", value), number_reading::too_large);
  EXPECT_EQ(read_double("1e99999999999999999999", value), number_reading::too_large);
  EXPECT_EQ(read_double("1e-400", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(read_double("-1000e-999", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 0);
  EXPECT_TRUE(std::signbit(value));
  EXPECT_EQ(read_double("0." + std::string(400, '0') + "1", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(read_double("0e999", value), number_reading::exact_or_nearest);
  EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace mayfly::service
