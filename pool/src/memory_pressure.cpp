#include "memory_pressure.hpp"

#include "cgroup.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

/// v1 says "none" with a number near 2^63.
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60U;

/// The beginning of a file, without the heap: a trimmer has to work where there is none left.
class file_text {
 public:
  explicit file_text(std::string const& path) noexcept {
    int const file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    while (bytes_ < text_.size()) {
      ssize_t const got = read(file, text_.data() + bytes_, text_.size() - bytes_);
      if (got <= 0) break;
      bytes_ += static_cast<std::size_t>(got);
    }
    close(file);
  }

  /// The number behind `key`, which begins a line; nothing where there is none. "max" is none.
  template <class Number>
  [[nodiscard]] std::optional<Number> number_after(std::string_view key) const noexcept {
    std::string_view const text{text_.data(), bytes_};
    std::size_t at = text.starts_with(key) ? 0 : std::string_view::npos;
    for (std::size_t line = 0; at == std::string_view::npos;) {
      line = text.find('\n', line);
      if (line == std::string_view::npos) return std::nullopt;
      if (text.substr(++line).starts_with(key)) at = line;
    }
    Number value{};
    char const* const first = text.data() + at + key.size();
    auto const [end, error] = std::from_chars(first, text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
  }

 private:
  std::array<char, 8192> text_;
  std::size_t bytes_ = 0;
};

std::optional<std::uint64_t> bytes_in(std::string const& path) noexcept {
  return file_text{path}.number_after<std::uint64_t>("");
}

bool stalls(std::string const& path) noexcept {
  return file_text{path}.number_after<double>("some avg10=").value_or(0) >= memory_pressure::stalled_percent;
}

}  // namespace

memory_pressure::memory_pressure(std::string const& cgroup_file, std::string const& mount, std::string system)
    : system_{std::move(system)} {
  for (cgroup_folder const& each : cgroup_folders(cgroup_file, mount, "memory")) {
    group const files = files_of(each.path, each.unified);
    if (bytes_in(files.usage) || access(files.pressure.c_str(), R_OK) == 0) groups_.push_back(files);
  }
}

memory_pressure::memory_pressure() : memory_pressure{read_file(own_cgroups), cgroup_mount, "/proc/pressure/memory"} {}

memory_pressure::group memory_pressure::files_of(std::string const& folder, bool unified) {
  if (unified) {
    return {.usage = folder + "/memory.current",
            .soft_limit = folder + "/memory.high",
            .hard_limit = folder + "/memory.max",
            .stat = folder + "/memory.stat",
            .inactive_key = "inactive_file ",
            .pressure = folder + "/memory.pressure"};
  }
  return {.usage = folder + "/memory.usage_in_bytes",
          .soft_limit = folder + "/memory.soft_limit_in_bytes",
          .hard_limit = folder + "/memory.limit_in_bytes",
          .stat = folder + "/memory.stat",
          .inactive_key = "total_inactive_file ",
          .pressure = {}};
}

bool memory_pressure::is_short() const noexcept {
  return stalls(system_) || std::ranges::any_of(groups_, [](group const& each) {
           return near_limit(each) || (!each.pressure.empty() && stalls(each.pressure));
         });
}

bool memory_pressure::near_limit(group const& of) noexcept {
  auto const limit = std::min(bytes_in(of.soft_limit).value_or(no_limit), bytes_in(of.hard_limit).value_or(no_limit));
  if (limit >= no_limit) return false;
  auto const usage = bytes_in(of.usage).value_or(0);
  auto const inactive = file_text{of.stat}.number_after<std::uint64_t>(of.inactive_key).value_or(0);
  return static_cast<double>(usage - std::min(usage, inactive)) >= short_part * static_cast<double>(limit);
}

}  // namespace mayfly::detail
