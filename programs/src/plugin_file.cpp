#include <mayfly/programs/plugin_file.hpp>

#include <boost/dll/shared_library.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

#include <dlfcn.h>

namespace mayfly::programs {

namespace {

[[noreturn]] void refuse(std::string const& path, std::string const& why) {
  throw plugin_error("the plugin " + path + " is no use: " + why);
}

boost::dll::shared_library load(std::string const& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) refuse(path, "there is no such file");
  boost::dll::fs::error_code error;
  boost::dll::shared_library library;
  // The absolute path: without a slash the system would look elsewhere. All symbols now: none is missing in a handler.
  library.load(std::filesystem::absolute(path), boost::dll::load_mode::rtld_now, error);
  if (error) {
    char const* const why = ::dlerror();  // the library's own text; Boost keeps it for those who let it throw
    refuse(path, "it cannot be loaded: " + (why != nullptr ? std::string(why) : error.message()) +
                     "; what it needs beside mayfly it must link itself, see docs/plugins.md");
  }
  return library;
}

/// What is no plugin, or not one for this program.
void refuse_foreign(boost::dll::shared_library& library, std::string const& path) {
  if (!library.has("mayfly_plugin_version") || !library.has("mayfly_plugin_register")) {
    refuse(path, "it has no MAYFLY_PLUGIN(name) { ... }, see <mayfly/plugin.hpp>");
  }
  std::uint32_t const version = library.get<std::uint32_t()>("mayfly_plugin_version")();
  if (version != plugin_version) {
    refuse(path, "it was built for version " + std::to_string(version) +
                     " of <mayfly/plugin.hpp>, and this program has " + std::to_string(plugin_version) +
                     ": build it again with these headers");
  }
  std::uint32_t const redzone = library.get<std::uint32_t()>("mayfly_plugin_redzone_bytes")();
  if (redzone != plugin_redzone_bytes) {
    refuse(path, "it leaves " + std::to_string(redzone) + " bytes behind each allocation, and this program " +
                     std::to_string(plugin_redzone_bytes) +
                     ": build both with AddressSanitizer, both with MAYFLY_CANARIES, or both without");
  }
}

/// What the body of MAYFLY_PLUGIN throws lives in the plugin's code, and is gone before that is.
void register_handlers(boost::dll::shared_library& library, plugin& to, std::string const& path) {
  std::string why;
  try {
    library.get<void(plugin&)>("mayfly_plugin_register")(to);
    return;
  } catch (std::exception const& error) {
    why = error.what();
  } catch (...) {
    why = "something that is no std::exception";
  }
  refuse(path, "it threw while it registered its handlers: " + why);
}

}  // namespace

/// In this order: the handlers go before their code does.
struct plugin_file::loaded {
  std::string path;
  boost::dll::shared_library library;
  plugin handlers;
};

plugin_file::plugin_file(std::string const& path) : loaded_(std::make_unique<loaded>()) {
  loaded_->path = path;
  loaded_->library = load(path);
  auto& library = loaded_->library;
  refuse_foreign(library, path);
  register_handlers(library, loaded_->handlers, path);
  if (loaded_->handlers.handlers().empty())
    refuse(path, "it registers no handler: see add_handler() in <mayfly/plugin.hpp>");
  for (auto const& handler : loaded_->handlers.handlers()) {
    if (handler.name.empty()) refuse(path, "a handler of it has no name, and could not be asked for");
    if (!handler.run) refuse(path, "its handler " + handler.name + " is an empty function");
  }
}

plugin_file::plugin_file(plugin_file&&) noexcept = default;
plugin_file::~plugin_file() = default;

std::string const& plugin_file::path() const noexcept { return loaded_->path; }
plugin const& plugin_file::handlers() const noexcept { return loaded_->handlers; }

plugin_set::plugin_set(std::span<std::string const> paths, std::span<std::string_view const> taken) {
  files_.reserve(paths.size());
  for (auto const& path : paths) add(files_.emplace_back(path), taken);
}

void plugin_set::add(plugin_file const& file, std::span<std::string_view const> taken) {
  for (auto const& handler : file.handlers().handlers()) {
    if (std::find(taken.begin(), taken.end(), handler.name) != taken.end()) {
      refuse(file.path(), "it registers a handler " + handler.name +
                              ", and the program has one of that name: register it by another");
    }
    for (std::size_t i = 0; i < handlers_.size(); ++i) {
      if (handlers_[i]->name != handler.name) continue;
      refuse(file.path(), brought_by_[i] == &file
                              ? "it registers two handlers " + handler.name + ": each needs a name of its own"
                              : "it registers a handler " + handler.name + ", and so does " + brought_by_[i]->path() +
                                    ": leave one of the two out, or register it by another name");
    }
    handlers_.push_back(&handler);
    brought_by_.push_back(&file);
  }
}

std::vector<std::string> plugin_set::names() const {
  std::vector<std::string> all;
  all.reserve(handlers_.size());
  for (auto const* each : handlers_) all.push_back(each->name);
  return all;
}

plugin::named_handler const* plugin_set::find(std::string_view name) const noexcept {
  auto const found =
      std::find_if(handlers_.begin(), handlers_.end(), [&](auto const* each) { return each->name == name; });
  return found == handlers_.end() ? nullptr : *found;
}

}  // namespace mayfly::programs
