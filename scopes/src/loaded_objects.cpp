#include "loaded_objects.hpp"

#include <link.h>

#include <algorithm>
#include <cstring>

namespace mayfly::detail {
namespace {

struct listing {
  std::span<loaded_object> into;
  std::size_t count = 0;
};

/// What of a segment stays writable: its start was made read-only again after relocation (PT_GNU_RELRO).
memory_range without_relocated(memory_range segment, memory_range read_only) noexcept {
  if (!segment.has(read_only.first) || read_only.first != segment.first) return segment;
  std::size_t const page = system_page_bytes();
  std::uintptr_t const first = std::min(read_only.end() / page * page, segment.end());
  return {first, segment.end() - first};
}

void read_headers(dl_phdr_info const& info, loaded_object& object) noexcept {
  memory_range read_only;
  for (std::size_t i = 0; i < info.dlpi_phnum; ++i) {
    auto const& header = info.dlpi_phdr[i];
    if (header.p_type == PT_GNU_RELRO) read_only = {info.dlpi_addr + header.p_vaddr, header.p_memsz};
    if (header.p_type == PT_TLS) object.tls_bytes = header.p_memsz;
  }
  for (std::size_t i = 0; i < info.dlpi_phnum; ++i) {
    auto const& header = info.dlpi_phdr[i];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0) continue;
    object.has_more = object.writable_count == loaded_object::most_segments;
    if (object.has_more) return;
    object.writable[object.writable_count++] =
        without_relocated({info.dlpi_addr + header.p_vaddr, header.p_memsz}, read_only);
  }
}

int add_object(dl_phdr_info* info, std::size_t /*size*/, void* into) noexcept {
  auto& list = *static_cast<listing*>(into);
  std::size_t const index = list.count++;
  if (index >= list.into.size()) return 0;
  loaded_object& object = list.into[index];
  object = {};
  object.base = info->dlpi_addr;
  object.tls_module = info->dlpi_tls_modid;
  object.tls_here = reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data);
  object.headers_digest = digest(info->dlpi_phdr, info->dlpi_phnum * sizeof(*info->dlpi_phdr));
  std::string_view const path = info->dlpi_name == nullptr ? std::string_view{} : info->dlpi_name;
  path.copy(object.path_text.data(), object.path_text.size() - 1);
  read_headers(*info, object);
  return 0;
}

}  // namespace

/// Fowler, Noll and Vo's FNV-1a.
std::uint64_t digest(void const* bytes, std::size_t count) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (std::size_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<unsigned char const*>(bytes)[i]) * 0x100000001b3U;
  }
  return hash;
}

bool loaded_object::is_c_library() const noexcept {
  std::string_view name = path();
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  return name.starts_with("libc.so") || name.starts_with("libc-");
}

std::size_t list_loaded_objects(std::span<loaded_object> into) noexcept {
  listing list{.into = into};
  ::dl_iterate_phdr(&add_object, &list);
  return list.count;
}

}  // namespace mayfly::detail
