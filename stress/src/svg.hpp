#pragma once

#include <string>
#include <vector>

namespace mayfly::stress::svg {

/// With so many digits behind the point.
[[nodiscard]] std::string number(double value, int digits);
/// As text in HTML, and in an attribute.
[[nodiscard]] std::string escaped(std::string const& text);

/// Values from `least` to `most` on so many pixels.
struct axis {
  double least;
  double most;
  double from;
  double length;
  [[nodiscard]] double at(double value) const { return from + length * (value - least) / (most - least); }
  [[nodiscard]] bool has(double value) const { return value >= least && value <= most; }
};

enum class anchor : unsigned char { start, middle, end };

[[nodiscard]] std::string begin(double width, double height, std::string const& label);
[[nodiscard]] std::string end();
/// `kind`: a class of the page's style.
[[nodiscard]] std::string text(double x, double y, anchor at, std::string const& what, char const* kind = "");
[[nodiscard]] std::string line(double x1, double y1, double x2, double y2);
/// A circle that says its title when it is pointed at. `colour`: a variable of the page's style.
[[nodiscard]] std::string spot(double x, double y, double radius, char const* colour, std::string const& title,
                               bool hollow = false);
[[nodiscard]] std::string bar(double x, double y, double width, double height, char const* colour,
                              std::string const& title);

/// Two axes with five marks each, and what they count.
[[nodiscard]] std::string frame(axis const& x, axis const& y, std::string const& below, std::string const& beside);

/// What a colour stands for.
struct swatch {
  char const* colour;
  std::string name;
  enum : unsigned char { filled, hollow, dashed } kind = filled;
};
/// A row of them.
[[nodiscard]] std::string legend(double x, double y, std::vector<swatch> const& of);

}  // namespace mayfly::stress::svg
