// A library for LD_PRELOAD: each call that writes or makes durable takes $SLOW_WRITE_MICROSECONDS longer. It stands for
// an old disk, on which the moments between two writes are long enough for a kill to fall into them.

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

void wait() {
  static const char* const microseconds = std::getenv("SLOW_WRITE_MICROSECONDS");
  if (microseconds != nullptr) ::usleep(static_cast<useconds_t>(std::atoi(microseconds)));
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  wait();
  return real(fd, bytes, count, offset);
}

extern "C" ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  wait();
  return real(fd, bytes, count, offset);
}

extern "C" int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  wait();
  return real(fd);
}

extern "C" int fdatasync(int fd) {
  static const auto real = next<int (*)(int)>("fdatasync");
  wait();
  return real(fd);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  wait();
  return real(from, to);
}
