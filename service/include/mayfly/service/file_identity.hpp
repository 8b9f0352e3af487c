#pragma once

#include <optional>
#include <string>

#include <sys/stat.h>

namespace mayfly::service {

/// Which regular file it is, whatever it is called and whoever opened it. Pipes, terminals and devices have none: to
/// read and to write the same one of those destroys nothing.
struct file_identity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(file_identity const&, file_identity const&) = default;
};

[[nodiscard]] inline std::optional<file_identity> identity_of(struct stat const& about) {
  if (!S_ISREG(about.st_mode)) return std::nullopt;
  return file_identity{about.st_dev, about.st_ino};
}

/// Of an open file.
[[nodiscard]] inline std::optional<file_identity> identity_of(int file) {
  struct stat about{};
  return ::fstat(file, &about) == 0 ? identity_of(about) : std::nullopt;
}

/// Of the file that a path leads to; nothing where there is none.
[[nodiscard]] inline std::optional<file_identity> identity_of(std::string const& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 ? identity_of(about) : std::nullopt;
}

}  // namespace mayfly::service
