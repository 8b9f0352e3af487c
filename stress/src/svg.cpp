#include "svg.hpp"

#include <array>
#include <cstdio>

namespace mayfly::stress::svg {
namespace {

std::string attribute(char const* name, double value) {
  return std::string(" ") + name + "=\"" + number(value, 1) + "\"";
}
std::string colour_of(char const* variable) { return std::string("var(--") + variable + ")"; }

/// As many digits as tell the marks apart.
int digits_for(axis const& of) {
  double const step = (of.most - of.least) / 4;
  return step >= 10 ? 0 : step >= 1 ? 1 : step >= 0.1 ? 2 : 3;
}

}  // namespace

std::string number(double value, int digits) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string escaped(std::string const& text) {
  std::string to;
  for (char const c : text) {
    switch (c) {
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '&':
        to += "&amp;";
        break;
      case '"':
        to += "&quot;";
        break;
      default:
        to += c;
    }
  }
  return to;
}

std::string begin(double width, double height, std::string const& label) {
  return "<svg viewBox=\"0 0 " + number(width, 0) + " " + number(height, 0) + R"(" role="img" aria-label=")" +
         escaped(label) + "\">\n";
}
std::string end() { return "</svg>\n"; }

std::string text(double x, double y, anchor at, std::string const& what, char const* kind) {
  if (what.empty()) return {};
  constexpr std::array names{"start", "middle", "end"};
  return "<text" + attribute("x", x) + attribute("y", y) + " text-anchor=\"" + names[static_cast<std::size_t>(at)] +
         "\" class=\"" + kind + "\">" + escaped(what) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2) {
  return "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2) +
         " stroke=\"var(--line)\"/>\n";
}

std::string spot(double x, double y, double radius, char const* colour, std::string const& title, bool hollow) {
  std::string const paint = hollow ? "fill=\"none\" stroke-width=\"2\" stroke=\"" : "fill=\"";
  return "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) + " " + paint +
         colour_of(colour) + "\"><title>" + escaped(title) + "</title></circle>\n";
}

std::string bar(double x, double y, double width, double height, char const* colour, std::string const& title) {
  return "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) + attribute("height", height) +
         " fill=\"" + colour_of(colour) + "\"><title>" + escaped(title) + "</title></rect>\n";
}

std::string frame(axis const& x, axis const& y, std::string const& below, std::string const& beside) {
  double const floor = y.from;
  double const ceiling = y.from + y.length;
  double const right = x.from + x.length;
  std::string to = line(x.from, floor, right, floor) + line(x.from, ceiling, x.from, floor);
  for (int i = 0; i <= 4; ++i) {
    double const part = i / 4.0;
    double const along = x.least + part * (x.most - x.least);
    double const up = y.least + part * (y.most - y.least);
    to += text(x.at(along), floor + 18, anchor::middle, number(along, digits_for(x)), "faint");
    to += text(x.from - 8, y.at(up) + 4, anchor::end, number(up, digits_for(y)), "faint");
    if (i > 0) to += line(x.from, y.at(up), right, y.at(up));
  }
  to += text((x.from + right) / 2, floor + 40, anchor::middle, below);
  return to + text(x.from, ceiling - 12, anchor::start, beside);
}

std::string legend(double x, double y, std::vector<swatch> const& of) {
  std::string to;
  constexpr double letter = 7.6;  // of 13 px, on average
  for (swatch const& each : of) {
    if (each.kind == swatch::dashed) {
      to += "<line" + attribute("x1", x - 6) + attribute("y1", y) + attribute("x2", x + 12) + attribute("y2", y) +
            " stroke=\"" + colour_of(each.colour) + "\" stroke-dasharray=\"4 3\"/>\n";
    } else {
      to += spot(x, y, 6, each.colour, each.name, each.kind == swatch::hollow);
    }
    to += text(x + 16, y + 4, anchor::start, each.name);
    x += 16 + letter * static_cast<double>(each.name.size()) + 24;
  }
  return to;
}

}  // namespace mayfly::stress::svg
