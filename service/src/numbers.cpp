#include <mayfly/service/numbers.hpp>

#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

namespace mayfly::service {

namespace {

constexpr std::uint64_t last_contiguous_integer = std::uint64_t{1} << 53;  // every integer up to it is a double

struct digits_of {
  char text[24];
  int count = 0;
  int point = 0;  // ECMAScript's n: the value is 0.d1d2d3... times 10 to the n
};

/// The shortest digits of a positive finite double, and where its decimal point is.
digits_of shortest_digits(double value) {
  digits_of digits;
  char raw[number_text_capacity];
  auto const written = std::to_chars(raw, raw + sizeof raw, value, std::chars_format::scientific);
  assert(written.ec == std::errc{});
  char const* p = raw;
  for (; *p != 'e'; ++p) {
    if (*p != '.') digits.text[digits.count++] = *p;
  }
  ++p;
  bool const negative = *p == '-';
  int exponent = 0;
  for (++p; p != written.ptr; ++p) exponent = exponent * 10 + (*p - '0');
  digits.point = (negative ? -exponent : exponent) + 1;
  return digits;
}

char* put(char* to, char const* from, int count) {
  std::memcpy(to, from, static_cast<std::size_t>(count));
  return to + count;
}

char* put_zeros(char* to, int count) {
  std::memset(to, '0', static_cast<std::size_t>(count));
  return to + count;
}

/// Number::toString of ECMAScript 2019 (7.1.12.1), steps 6 to 12; k digits with the point after the n-th.
char* lay_out(char* to, digits_of const& digits) {
  int const k = digits.count;
  int const n = digits.point;
  if (k <= n && n <= 21) {  // an integer
    to = put(to, digits.text, k);
    return put_zeros(to, n - k);
  }
  if (0 < n && n <= 21) {
    to = put(to, digits.text, n);
    *to++ = '.';
    return put(to, digits.text + n, k - n);
  }
  if (-6 < n && n <= 0) {
    *to++ = '0';
    *to++ = '.';
    to = put_zeros(to, -n);
    return put(to, digits.text, k);
  }
  *to++ = digits.text[0];
  if (k > 1) {
    *to++ = '.';
    to = put(to, digits.text + 1, k - 1);
  }
  *to++ = 'e';
  int const exponent = n - 1;
  *to++ = exponent < 0 ? '-' : '+';
  return std::to_chars(to, to + 4, std::abs(exponent)).ptr;
}

/// Whether the magnitude of a nonzero number is 1 or more, from its text alone. Only asked about numbers that no
/// double can hold, so anything near 1 need not be right.
bool is_large(std::string_view text) {
  long point = 0;  // digits before the decimal point, counted from the first nonzero one
  bool seen_point = false;
  bool seen_nonzero = false;
  std::size_t i = text.starts_with('-') ? 1 : 0;
  for (; i < text.size() && (text[i] | 0x20) != 'e'; ++i) {
    if (text[i] == '.') {
      seen_point = true;
      continue;
    }
    seen_nonzero = seen_nonzero || text[i] != '0';
    if (seen_nonzero && !seen_point) ++point;
    if (!seen_nonzero && seen_point) --point;
  }
  if (i == text.size()) return point > 0;
  std::string_view exponent = text.substr(i + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  bool const negative = exponent.starts_with('-');
  long long power = 0;
  auto const read = std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
  if (read.ec != std::errc{}) return !negative;  // an exponent of twenty digits
  return point + power > 0;
}

}  // namespace

char* write_ecmascript(char* to, double value) {
  assert(std::isfinite(value));
  if (value == 0) {
    *to++ = '0';
    return to;
  }
  if (value < 0) {
    *to++ = '-';
    value = -value;
  }
  return lay_out(to, shortest_digits(value));
}

char* write_ecmascript(char* to, std::uint64_t value) {
  if (value > last_contiguous_integer) return write_ecmascript(to, static_cast<double>(value));
  return std::to_chars(to, to + number_text_capacity, value).ptr;
}

char* write_ecmascript(char* to, std::int64_t value) {
  if (value >= 0) return write_ecmascript(to, static_cast<std::uint64_t>(value));
  *to++ = '-';
  return write_ecmascript(to, std::uint64_t{0} - static_cast<std::uint64_t>(value));
}

number_reading read_double(std::string_view text, double& value) {
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec == std::errc{}) return number_reading::exact_or_nearest;
  // Out of range, and from_chars does not say on which side.
  if (is_large(text)) return number_reading::too_large;
  value = text.starts_with('-') ? -0.0 : 0.0;
  return number_reading::exact_or_nearest;
}

}  // namespace mayfly::service
