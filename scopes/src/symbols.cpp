#include "symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

using elf_header = ElfW(Ehdr);
using section_header = ElfW(Shdr);
using symbol = ElfW(Sym);

/// A file read at offsets that it names itself: whatever it holds, reading it does no harm.
class object_file {
 public:
  explicit object_file(char const* path) noexcept : file_{::open(path, O_RDONLY | O_CLOEXEC)} {}
  ~object_file() {
    if (file_ >= 0) ::close(file_);
  }
  object_file(object_file const&) = delete;
  object_file& operator=(object_file const&) = delete;

  /// How many bytes there were.
  std::size_t read(std::uint64_t offset, void* into, std::size_t bytes) const noexcept {
    ssize_t const got = ::pread(file_, into, bytes, static_cast<off_t>(offset));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  template <typename T>
  [[nodiscard]] bool read_one(std::uint64_t offset, T& into) const noexcept {
    return read(offset, &into, sizeof into) == sizeof into;
  }

 private:
  int file_;
};

bool same_file(object_file const& file, elf_header const& header, std::uint64_t headers_digest) noexcept {
  std::array<ElfW(Phdr), 64> programs;
  std::size_t const bytes = header.e_phnum * sizeof programs[0];
  return header.e_phnum <= programs.size() && file.read(header.e_phoff, programs.data(), bytes) == bytes &&
         digest(programs.data(), bytes) == headers_digest;
}

bool wanted(symbol const& candidate, variable_kind kind) noexcept {
  unsigned const type = ELF64_ST_TYPE(candidate.st_info);
  if (candidate.st_shndx == SHN_UNDEF) return false;
  return kind == variable_kind::global ? type == STT_OBJECT || type == STT_COMMON : type == STT_TLS;
}

/// The symbol in `table` that `value` lies in: the smallest, where several do.
bool find_in(object_file const& file, section_header const& table, std::uint64_t value, variable_kind kind,
             symbol& best) noexcept {
  std::array<symbol, 128> batch;
  bool found = false;
  for (std::uint64_t at = 0; at < table.sh_size; at += sizeof batch) {
    std::size_t const bytes = std::min<std::uint64_t>(sizeof batch, table.sh_size - at);
    std::size_t const got = file.read(table.sh_offset + at, batch.data(), bytes);
    for (std::size_t i = 0; i < got / sizeof(symbol); ++i) {
      symbol const& candidate = batch[i];
      bool const holds = value - candidate.st_value < candidate.st_size && wanted(candidate, kind);
      if (!holds || (found && candidate.st_size >= best.st_size)) continue;
      best = candidate;
      found = true;
    }
    if (got != bytes) break;
  }
  return found;
}

void copy_name(std::string_view name, variable_name& into) noexcept {
  into.text[name.copy(into.text.data(), into.text.size() - 1)] = '\0';
}

bool take_name(object_file const& file, elf_header const& header, section_header const& table, symbol const& named,
               variable_name& into) noexcept {
  section_header strings;
  std::array<char, 1024> text;
  if (!file.read_one(header.e_shoff + std::uint64_t{table.sh_link} * sizeof strings, strings)) return false;
  std::size_t const got = file.read(strings.sh_offset + named.st_name, text.data(), text.size() - 1);
  text[got] = '\0';
  if (text[0] == '\0') return false;
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> const plain{abi::__cxa_demangle(text.data(), nullptr, nullptr, &status),
                                                          &std::free};
  copy_name(status == 0 && plain ? plain.get() : text.data(), into);
  into.value = named.st_value;
  into.bytes = named.st_size;
  return true;
}

}  // namespace

bool find_variable(loaded_object const& object, std::uint64_t value, variable_kind kind, variable_name& into) noexcept {
  object_file const file{object.path().empty() ? "/proc/self/exe" : object.path_text.data()};
  elf_header header;
  if (!file.read_one(0, header) || std::string_view{reinterpret_cast<char const*>(header.e_ident), SELFMAG} != ELFMAG ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || !same_file(file, header, object.headers_digest)) {
    return false;
  }
  // The full table first; a stripped library still has the names that it exports.
  for (std::uint32_t const type : {std::uint32_t{SHT_SYMTAB}, std::uint32_t{SHT_DYNSYM}}) {
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
      section_header table;
      if (!file.read_one(header.e_shoff + i * sizeof table, table)) break;
      symbol best{};
      if (table.sh_type != type || !find_in(file, table, value, kind, best)) continue;
      if (take_name(file, header, table, best, into)) return true;
    }
  }
  return false;
}

std::size_t write_object_name(loaded_object const& object, std::array<char, 64>& into) noexcept {
  std::array<char, 256> program{};
  std::string_view path = object.path();
  if (path.empty()) {
    ssize_t const got = ::readlink("/proc/self/exe", program.data(), program.size() - 1);
    path = {program.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
  }
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  return path.copy(into.data(), into.size());
}

}  // namespace mayfly::detail
