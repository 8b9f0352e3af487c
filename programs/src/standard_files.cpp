#include <mayfly/programs/standard_files.hpp>

#include <initializer_list>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::programs {

bool keep_standard_files_taken() {
  for (int const file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) >= 0) continue;
    // open() takes the lowest number that is free, which is this one: those below it are taken by now.
    if (::open("/dev/null", file == STDOUT_FILENO ? O_RDONLY : O_WRONLY) != file) return false;
  }
  return true;
}

}  // namespace mayfly::programs
