#include <mayfly/programs/plugin_file.hpp>

#include <boost/dll/shared_library.hpp>

#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

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
  if (error) refuse(path, "it cannot be loaded (" + error.message() + "); LD_DEBUG=libs says more");
  return library;
}

}  // namespace

/// In this order: the handlers go before their code does.
struct plugin_file::loaded {
  boost::dll::shared_library library;
  plugin handlers;
};

plugin_file::plugin_file(std::string const& path) : loaded_(std::make_unique<loaded>()) {
  loaded_->library = load(path);
  auto& library = loaded_->library;
  if (!library.has("mayfly_plugin_version") || !library.has("mayfly_plugin_register")) {
    refuse(path, "it has no MAYFLY_PLUGIN(name) { ... }, see <mayfly/plugin.hpp>");
  }
  std::uint32_t const version = library.get<std::uint32_t()>("mayfly_plugin_version")();
  if (version != plugin_version) {
    refuse(path, "it was built for version " + std::to_string(version) +
                     " of <mayfly/plugin.hpp>, and this program has " + std::to_string(plugin_version) +
                     ": build it again with these headers");
  }
  try {
    library.get<void(plugin&)>("mayfly_plugin_register")(loaded_->handlers);
  } catch (std::exception const& error) {
    refuse(path, std::string("it threw while it registered its handlers: ") + error.what());
  }
  if (loaded_->handlers.handlers().empty()) refuse(path, "it registers no handler");
}

plugin_file::plugin_file(plugin_file&&) noexcept = default;
plugin_file::~plugin_file() = default;

plugin const& plugin_file::handlers() const noexcept { return loaded_->handlers; }

}  // namespace mayfly::programs
