#include <mayfly/escape_report.hpp>

#include <algorithm>
#include <array>
#include <charconv>

// Both formats of a report. Runs in signal handlers: no heap, no locale, no stdio.
namespace mayfly {
namespace {

constexpr std::size_t longest_name = 256;

/// Appends to a fixed buffer and remembers whether everything fitted.
class writer {
 public:
  explicit writer(std::span<char> into) noexcept : into_{into} {}

  void put(char c) noexcept {
    if (used_ < into_.size()) {
      into_[used_++] = c;
    } else {
      cut_ = true;
    }
  }
  void put(std::string_view text) noexcept {
    for (char const c : text) put(c);
  }
  void put_number(std::uint64_t number, int base = 10) noexcept {
    std::array<char, 20> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    put(std::string_view{digits.data(), end});
  }

  [[nodiscard]] std::size_t used() const noexcept { return used_; }
  [[nodiscard]] bool cut() const noexcept { return cut_; }

 private:
  std::span<char> into_;
  std::size_t used_ = 0;
  bool cut_ = false;
};

/// In quotes, as JSON wants it. The text format uses the same, so that a line stays a line.
void put_quoted(writer& out, std::string_view name) noexcept {
  constexpr std::string_view hex = "0123456789abcdef";
  out.put('"');
  for (char const c : name.substr(0, longest_name)) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.put('\\');
      out.put(c);
    } else if (byte >= 0x20 && byte < 0x7f) {
      out.put(c);
    } else {
      out.put("\\u00");
      out.put(hex[byte >> 4U]);
      out.put(hex[byte & 15U]);
    }
  }
  out.put('"');
}

/// The fields of a report, one by one, in one of the two formats. `known` false: left out, or null.
class field_writer {
 public:
  field_writer(writer& out, bool json) noexcept : out_{&out}, json_{json} {}

  void name(std::string_view field, std::string_view value) noexcept {
    if (begin(field, !value.empty())) put_quoted(*out_, value);
  }
  void number(std::string_view field, std::uint64_t value, bool known) noexcept {
    if (begin(field, known)) out_->put_number(value);
  }
  void address(std::string_view field, void const* value) noexcept {
    if (!begin(field, value != nullptr)) return;
    if (json_) out_->put('"');
    out_->put("0x");
    out_->put_number(reinterpret_cast<std::uintptr_t>(value), 16);
    if (json_) out_->put('"');
  }
  void scope(std::string_view field, scope_id id) noexcept {
    if (!begin(field, static_cast<bool>(id))) return;
    if (json_) out_->put('"');
    out_->put_number(id.slot());
    out_->put('.');
    out_->put_number(id.generation());
    if (json_) out_->put('"');
  }
  void time(std::string_view field, scope_clock::time_point at) noexcept {
    auto const ns = std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
    number(field, static_cast<std::uint64_t>(ns), at != scope_clock::time_point::min());
  }
  void age(std::string_view field, scope_clock::time_point from, scope_clock::time_point to) noexcept {
    bool const known = from != scope_clock::time_point::min() && to >= from;
    auto const ns = known ? std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count() : 0;
    number(field, static_cast<std::uint64_t>(ns), known);
  }
  void flag(std::string_view field, bool value) noexcept {
    if (begin(field, json_ || value)) out_->put(value ? "true" : "false");
  }

 private:
  /// Whether the value is to be written.
  bool begin(std::string_view field, bool known) noexcept {
    if (!json_ && !known) return false;
    out_->put(first_ && !json_ ? ": " : json_ ? "," : ", ");
    first_ = false;
    if (json_) out_->put('"');
    out_->put(field);
    out_->put(json_ ? "\":" : "=");
    if (!known) out_->put("null");
    return known;
  }

  writer* out_;
  bool json_;
  bool first_ = true;
};

bool is_egress(escape_rule rule) noexcept {
  return rule >= escape_rule::closure_sent && rule <= escape_rule::nested_result_sent;
}

void put_fields(writer& out, escape_report const& report, bool json) noexcept {
  field_writer fields{out, json};
  fields.address("address", report.address);
  fields.scope("scope", report.scope);
  fields.name("route", report.route);
  fields.time("opened_ns", report.opened);
  fields.age("opened_ago_ns", report.opened, report.told);
  fields.number("opened_thread", static_cast<std::uint32_t>(report.opened_thread), report.opened_thread != 0);
  fields.time("closed_ns", report.closed);
  fields.age("closed_ago_ns", report.closed, report.told);
  fields.number("closed_thread", static_cast<std::uint32_t>(report.closed_thread), report.closed_thread != 0);
  fields.number("this_thread", static_cast<std::uint32_t>(report.this_thread), report.this_thread != 0);
  fields.number("allocation_bytes", report.allocation_bytes, report.allocation_bytes != 0);
  fields.address("site", report.site);
  fields.number("offset", report.offset, is_egress(report.rule) || report.holder_address != nullptr);
  fields.name("holder", report.holder);
  fields.number("holder_bytes", report.holder_bytes, report.holder_bytes != 0);
  fields.address("holder_address", report.holder_address);
  fields.flag("suspect", report.suspect);
}

}  // namespace

std::size_t format_text(escape_report const& report, std::span<char> into) noexcept {
  writer out{into};
  out.put(code(report.rule));
  out.put(": ");
  out.put(title(report.rule));
  put_fields(out, report, false);
  out.put("\n        way out: ");
  out.put(remedy(report.rule));
  out.put('\n');
  return out.used();
}

std::size_t format_json(escape_report const& report, std::span<char> into) noexcept {
  writer out{into};
  out.put(R"({"rule":")");
  out.put(code(report.rule));
  out.put(R"(","title":)");
  put_quoted(out, title(report.rule));
  put_fields(out, report, true);
  out.put(R"(,"remedy":)");
  put_quoted(out, remedy(report.rule));
  out.put('}');
  return out.cut() ? 0 : out.used();
}

}  // namespace mayfly
