#include "cgroup.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

namespace mayfly::detail {
namespace {

bool names_controller(std::string const& list, std::string const& name) {
  std::istringstream names(list);
  for (std::string one; std::getline(names, one, ',');) {
    if (one == name) return true;
  }
  return false;
}

void add_up_to_root(std::vector<cgroup_folder>& folders, std::string const& root, std::string path, bool unified) {
  for (;;) {
    folders.push_back({root + path, unified});
    std::size_t const slash = path.rfind('/');
    if (slash == std::string::npos) return;
    path.erase(slash);
  }
}

}  // namespace

std::vector<cgroup_folder> cgroup_folders(std::string const& cgroup_file, std::string const& mount,
                                          std::string const& controller) {
  std::vector<cgroup_folder> folders;
  std::istringstream lines(cgroup_file);
  for (std::string line; std::getline(lines, line);) {
    // "hierarchy:controllers:path"; v2 is hierarchy 0 with no controllers
    std::size_t const first = line.find(':');
    std::size_t const second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string const controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) {
      add_up_to_root(folders, mount, std::move(path), true);
    } else if (names_controller(controllers, controller)) {
      add_up_to_root(folders, mount + '/' + controller, std::move(path), false);
    }
  }
  return folders;
}

std::string read_file(std::string const& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace mayfly::detail
