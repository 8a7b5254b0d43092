// A library for LD_PRELOAD: opening a file whose path contains $SLOW_PATH takes $SLOW_SECONDS. It stands for a disk
// that does not answer, in one call of one session; tests look at what the others notice.

#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

void wait_if_slow(const char* path) {
  const char* slow = std::getenv("SLOW_PATH");
  const char* seconds = std::getenv("SLOW_SECONDS");
  if (slow != nullptr && seconds != nullptr && path != nullptr && std::strstr(path, slow) != nullptr) {
    ::sleep(static_cast<unsigned>(std::atoi(seconds)));
  }
}

using Open = int (*)(const char*, int, ...);

int open_slowly(const char* name, const char* path, int flags, mode_t mode) {
  wait_if_slow(path);
  const auto real = reinterpret_cast<Open>(::dlsym(RTLD_NEXT, name));
  return real(path, flags, mode);
}

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_slowly("open", path, flags, mode);
}

extern "C" int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_slowly("open64", path, flags, mode);
}
