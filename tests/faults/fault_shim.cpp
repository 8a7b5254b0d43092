// A library that makes the n-th system call of a kind go wrong, for LD_PRELOAD or to be linked before libc. It stands
// between the program and libc: calls on files below one directory are counted while the test says so, and one of them
// fails, does half of its work, or is the last thing that the process ever did.
//
// Not seen are calls that libc makes for itself: fopen(), realpath(), opendir().

#include "faults/fault_control.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using faults::Action;
using faults::Control;
using faults::Kind;

std::atomic<Control*> the_control{nullptr};

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) void map_control_of_environment() {
  const char* path = std::getenv(faults::kControlVariable);
  if (path == nullptr) return;
  const int fd = real<int(const char*, int, ...)>("open")(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  real<int(int)>("close")(fd);
  if (mapped != MAP_FAILED) the_control = static_cast<Control*>(mapped);
}

Control* armed_control() {
  Control* control = the_control.load(std::memory_order_acquire);
  return control != nullptr && control->armed.load(std::memory_order_acquire) == 1 ? control : nullptr;
}

bool is_below_root(const Control& control, const std::string& path) {
  const std::size_t length = ::strnlen(control.root.data(), control.root.size());
  return length > 0 && path.size() > length && path.compare(0, length, control.root.data(), length) == 0 &&
         path[length] == '/';
}

/// What an open descriptor stands for; empty when it has no path.
std::string path_of(int fd) {
  std::array<char, PATH_MAX> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

std::string path_at(int directory, const char* path) {
  if (path == nullptr) return {};
  if (path[0] == '/') return path;
  if (path[0] == '\0') return directory == AT_FDCWD ? std::string() : path_of(directory);
  if (directory != AT_FDCWD) return path_of(directory) + '/' + path;
  std::array<char, PATH_MAX> here{};
  return ::getcwd(here.data(), here.size()) == nullptr ? std::string() : std::string(here.data()) + '/' + path;
}

enum class Verdict { pass, fail, halve, lie };

/// Counts a call and says what becomes of it. errno is set for Verdict::fail.
Verdict judge(Control& control, Kind kind, const std::string& path) {
  if (!is_below_root(control, path)) return Verdict::pass;
  const std::uint64_t n = ++control.seen[static_cast<std::size_t>(kind)];
  if (control.nth == 0 || kind != control.kind) return Verdict::pass;
  const bool is_it = n == control.nth;
  const bool is_later = n > control.nth && (control.action == Action::fail_from ||
                                            (control.action == Action::halve_then_fail && n == control.nth + 1));
  if (!is_it && !is_later) return Verdict::pass;

  if (++control.fired == 1) {
    std::snprintf(control.where.data(), control.where.size(), "%s", path.c_str());
    control.fired_apart = ::getpid() != control.process;
  }
  if (control.action == Action::kill || control.action == Action::kill_parent) {
    const pid_t whom = control.action == Action::kill ? ::getpid() : control.process;
    ::kill(whom, SIGKILL);
    if (whom != ::getpid()) return Verdict::pass;
    for (;;) ::pause();
  }
  if (is_it && (control.action == Action::halve || control.action == Action::halve_then_fail)) return Verdict::halve;
  if (control.action == Action::lie) return Verdict::lie;
  errno = control.errnum;
  return Verdict::fail;
}

Verdict judge_path(Kind kind, int directory, const char* path) {
  Control* control = armed_control();
  if (control == nullptr) return Verdict::pass;
  const int saved = errno;
  const Verdict verdict = judge(*control, kind, path_at(directory, path));
  if (verdict != Verdict::fail) errno = saved;
  return verdict;
}

Verdict judge_fd(Kind kind, int fd) {
  Control* control = armed_control();
  if (control == nullptr) return Verdict::pass;
  const int saved = errno;
  const Verdict verdict = judge(*control, kind, path_of(fd));
  if (verdict != Verdict::fail) errno = saved;
  return verdict;
}

/// Remembers that `fd` was written to, or that what was written is on disk.
void note_written(int fd, bool synced) {
  Control* control = armed_control();
  if (control == nullptr) return;
  const int saved = errno;
  struct stat status {};
  const bool known = real<int(int, struct stat*)>("fstat")(fd, &status) == 0 && S_ISREG(status.st_mode);
  errno = saved;
  if (!known || !is_below_root(*control, path_of(fd))) return;
  for (auto& file : control->written) {
    const bool is_free = file.inode == 0;
    if (!is_free && (file.inode != status.st_ino || file.device != status.st_dev)) continue;
    if (is_free && synced) return;
    file.inode = status.st_ino;
    file.device = status.st_dev;
    file.unsynced = synced ? 0 : file.unsynced + 1;
    return;
  }
}

ssize_t noted(int fd, ssize_t wrote) {
  if (wrote > 0) note_written(fd, false);
  return wrote;
}

int noted_sync(int fd, int result) {
  if (result == 0) note_written(fd, true);
  return result;
}

std::size_t half(std::size_t count) { return count > 1 ? count / 2 : count; }

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

/// As many of the pieces as hold half of all bytes: one when there is one, of half the length.
ssize_t halved_vector(const struct iovec* pieces, int count, struct iovec& first) {
  first = pieces[0];
  if (count == 1) first.iov_len = half(first.iov_len);
  return 1;
}

}  // namespace

extern "C" {

void fault_shim_use(Control* control) { the_control.store(control, std::memory_order_release); }

// -- open -------------------------------------------------------------------------------------------------------------

#define FAULTS_OPEN(name)                                                   \
  int name(const char* path, int flags, ...) {                              \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    const mode_t mode = mode_argument(flags, arguments);                    \
    va_end(arguments);                                                      \
    if (judge_path(Kind::open, AT_FDCWD, path) == Verdict::fail) return -1; \
    static const auto call = real<int(const char*, int, ...)>(#name);       \
    return call(path, flags, mode);                                         \
  }
FAULTS_OPEN(open)
FAULTS_OPEN(open64)

#define FAULTS_OPENAT(name)                                                  \
  int name(int directory, const char* path, int flags, ...) {                \
    va_list arguments;                                                       \
    va_start(arguments, flags);                                              \
    const mode_t mode = mode_argument(flags, arguments);                     \
    va_end(arguments);                                                       \
    if (judge_path(Kind::open, directory, path) == Verdict::fail) return -1; \
    static const auto call = real<int(int, const char*, int, ...)>(#name);   \
    return call(directory, path, flags, mode);                               \
  }
FAULTS_OPENAT(openat)
FAULTS_OPENAT(openat64)

// What calls without a mode become under _FORTIFY_SOURCE.
#define FAULTS_OPEN_2(name)                                                 \
  int name(const char* path, int flags) {                                   \
    if (judge_path(Kind::open, AT_FDCWD, path) == Verdict::fail) return -1; \
    static const auto call = real<int(const char*, int)>(#name);            \
    return call(path, flags);                                               \
  }
FAULTS_OPEN_2(__open_2)
FAULTS_OPEN_2(__open64_2)

#define FAULTS_OPENAT_2(name)                                                \
  int name(int directory, const char* path, int flags) {                     \
    if (judge_path(Kind::open, directory, path) == Verdict::fail) return -1; \
    static const auto call = real<int(int, const char*, int)>(#name);        \
    return call(directory, path, flags);                                     \
  }
FAULTS_OPENAT_2(__openat_2)
FAULTS_OPENAT_2(__openat64_2)

long syscall(long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  std::array<long, 6> a{};
  for (long& argument : a) argument = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_openat2) {
    const auto* path = reinterpret_cast<const char*>(a[1]);
    if (judge_path(Kind::open, static_cast<int>(a[0]), path) == Verdict::fail) return -1;
  }
  static const auto call = real<long(long, ...)>("syscall");
  return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int close(int fd) {
  const Verdict verdict = judge_fd(Kind::close, fd);
  const int wanted = errno;
  static const auto call = real<int(int)>("close");
  const int result = call(fd);
  if (verdict != Verdict::fail) return result;
  errno = wanted;  // on Linux the descriptor is gone whatever close() says
  return -1;
}

// -- read and write ---------------------------------------------------------------------------------------------------

ssize_t read(int fd, void* into, size_t count) {
  const Verdict verdict = judge_fd(Kind::read, fd);
  if (verdict == Verdict::fail) return -1;
  static const auto call = real<ssize_t(int, void*, size_t)>("read");
  return call(fd, into, verdict == Verdict::halve ? half(count) : count);
}

ssize_t __read_chk(int fd, void* into, size_t count, size_t room) {
  const Verdict verdict = judge_fd(Kind::read, fd);
  if (verdict == Verdict::fail) return -1;
  static const auto call = real<ssize_t(int, void*, size_t, size_t)>("__read_chk");
  return call(fd, into, verdict == Verdict::halve ? half(count) : count, room);
}

#define FAULTS_PREAD(name)                                                          \
  ssize_t name(int fd, void* into, size_t count, off_t offset) {                    \
    const Verdict verdict = judge_fd(Kind::read, fd);                               \
    if (verdict == Verdict::fail) return -1;                                        \
    static const auto call = real<ssize_t(int, void*, size_t, off_t)>(#name);       \
    return call(fd, into, verdict == Verdict::halve ? half(count) : count, offset); \
  }
FAULTS_PREAD(pread)
FAULTS_PREAD(pread64)

#define FAULTS_PREAD_CHK(name)                                                            \
  ssize_t name(int fd, void* into, size_t count, off_t offset, size_t room) {             \
    const Verdict verdict = judge_fd(Kind::read, fd);                                     \
    if (verdict == Verdict::fail) return -1;                                              \
    static const auto call = real<ssize_t(int, void*, size_t, off_t, size_t)>(#name);     \
    return call(fd, into, verdict == Verdict::halve ? half(count) : count, offset, room); \
  }
FAULTS_PREAD_CHK(__pread_chk)
FAULTS_PREAD_CHK(__pread64_chk)

#define FAULTS_PREADV2(name)                                                                       \
  ssize_t name(int fd, const struct iovec* pieces, int count, off_t offset, int flags) {           \
    const Verdict verdict = judge_fd(Kind::read, fd);                                              \
    if (verdict == Verdict::fail) return -1;                                                       \
    static const auto call = real<ssize_t(int, const struct iovec*, int, off_t, int)>(#name);      \
    if (verdict != Verdict::halve || count < 1) return call(fd, pieces, count, offset, flags);     \
    struct iovec first {};                                                                         \
    return call(fd, &first, static_cast<int>(halved_vector(pieces, count, first)), offset, flags); \
  }
FAULTS_PREADV2(preadv2)
FAULTS_PREADV2(preadv64v2)

ssize_t write(int fd, const void* from, size_t count) {
  const Verdict verdict = judge_fd(Kind::write, fd);
  if (verdict == Verdict::fail) return -1;
  static const auto call = real<ssize_t(int, const void*, size_t)>("write");
  return noted(fd, call(fd, from, verdict == Verdict::halve ? half(count) : count));
}

#define FAULTS_PWRITE(name)                                                                    \
  ssize_t name(int fd, const void* from, size_t count, off_t offset) {                         \
    const Verdict verdict = judge_fd(Kind::write, fd);                                         \
    if (verdict == Verdict::fail) return -1;                                                   \
    if (verdict == Verdict::lie) return static_cast<ssize_t>(count);                           \
    static const auto call = real<ssize_t(int, const void*, size_t, off_t)>(#name);            \
    return noted(fd, call(fd, from, verdict == Verdict::halve ? half(count) : count, offset)); \
  }
FAULTS_PWRITE(pwrite)
FAULTS_PWRITE(pwrite64)

ssize_t writev(int fd, const struct iovec* pieces, int count) {
  const Verdict verdict = judge_fd(Kind::write, fd);
  if (verdict == Verdict::fail) return -1;
  static const auto call = real<ssize_t(int, const struct iovec*, int)>("writev");
  if (verdict != Verdict::halve || count < 1) return noted(fd, call(fd, pieces, count));
  struct iovec first {};
  return noted(fd, call(fd, &first, static_cast<int>(halved_vector(pieces, count, first))));
}

#define FAULTS_PWRITEV(name)                                                                           \
  ssize_t name(int fd, const struct iovec* pieces, int count, off_t offset) {                          \
    const Verdict verdict = judge_fd(Kind::write, fd);                                                 \
    if (verdict == Verdict::fail) return -1;                                                           \
    static const auto call = real<ssize_t(int, const struct iovec*, int, off_t)>(#name);               \
    if (verdict != Verdict::halve || count < 1) return noted(fd, call(fd, pieces, count, offset));     \
    struct iovec first {};                                                                             \
    return noted(fd, call(fd, &first, static_cast<int>(halved_vector(pieces, count, first)), offset)); \
  }
FAULTS_PWRITEV(pwritev)
FAULTS_PWRITEV(pwritev64)

int fsync(int fd) {
  const Verdict verdict = judge_fd(Kind::sync, fd);
  if (verdict != Verdict::pass) return verdict == Verdict::lie ? 0 : -1;
  static const auto call = real<int(int)>("fsync");
  return noted_sync(fd, call(fd));
}

int fdatasync(int fd) {
  const Verdict verdict = judge_fd(Kind::sync, fd);
  if (verdict != Verdict::pass) return verdict == Verdict::lie ? 0 : -1;
  static const auto call = real<int(int)>("fdatasync");
  return noted_sync(fd, call(fd));
}

#define FAULTS_FTRUNCATE(name)                                    \
  int name(int fd, off_t length) {                                \
    if (judge_fd(Kind::truncate, fd) == Verdict::fail) return -1; \
    static const auto call = real<int(int, off_t)>(#name);        \
    return call(fd, length);                                      \
  }
FAULTS_FTRUNCATE(ftruncate)
FAULTS_FTRUNCATE(ftruncate64)

// -- locks ------------------------------------------------------------------------------------------------------------

#define FAULTS_FCNTL(name)                                                                                             \
  int name(int fd, int command, ...) {                                                                                 \
    va_list arguments;                                                                                                 \
    va_start(arguments, command);                                                                                      \
    void* argument = va_arg(arguments, void*);                                                                         \
    va_end(arguments);                                                                                                 \
    const bool locks = command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_SETLK || command == F_SETLKW; \
    if (locks && static_cast<const struct flock*>(argument)->l_type != F_UNLCK &&                                      \
        judge_fd(Kind::lock, fd) == Verdict::fail) {                                                                   \
      return -1;                                                                                                       \
    }                                                                                                                  \
    static const auto call = real<int(int, int, ...)>(#name);                                                          \
    return call(fd, command, argument);                                                                                \
  }
FAULTS_FCNTL(fcntl)
FAULTS_FCNTL(fcntl64)

// -- names ------------------------------------------------------------------------------------------------------------

#define FAULTS_STAT(name, type)                                             \
  int name(const char* path, struct type* status) noexcept {                \
    if (judge_path(Kind::stat, AT_FDCWD, path) == Verdict::fail) return -1; \
    static const auto call = real<int(const char*, struct type*)>(#name);   \
    return call(path, status);                                              \
  }
FAULTS_STAT(stat, stat)
FAULTS_STAT(stat64, stat64)
FAULTS_STAT(lstat, stat)
FAULTS_STAT(lstat64, stat64)

#define FAULTS_FSTAT(name, type)                                  \
  int name(int fd, struct type* status) noexcept {                \
    if (judge_fd(Kind::stat, fd) == Verdict::fail) return -1;     \
    static const auto call = real<int(int, struct type*)>(#name); \
    return call(fd, status);                                      \
  }
FAULTS_FSTAT(fstat, stat)
FAULTS_FSTAT(fstat64, stat64)

#define FAULTS_FSTATAT(name, type)                                                     \
  int name(int directory, const char* path, struct type* status, int flags) noexcept { \
    if (judge_path(Kind::stat, directory, path) == Verdict::fail) return -1;           \
    static const auto call = real<int(int, const char*, struct type*, int)>(#name);    \
    return call(directory, path, status, flags);                                       \
  }
FAULTS_FSTATAT(fstatat, stat)
FAULTS_FSTATAT(fstatat64, stat64)

int rename(const char* from, const char* to) noexcept {
  if (judge_path(Kind::rename, AT_FDCWD, to) == Verdict::fail) return -1;
  static const auto call = real<int(const char*, const char*)>("rename");
  return call(from, to);
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
  if (judge_path(Kind::rename, to_directory, to) == Verdict::fail) return -1;
  static const auto call = real<int(int, const char*, int, const char*)>("renameat");
  return call(from_directory, from, to_directory, to);
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (judge_path(Kind::mkdir, AT_FDCWD, path) == Verdict::fail) return -1;
  static const auto call = real<int(const char*, mode_t)>("mkdir");
  return call(path, mode);
}

int unlink(const char* path) noexcept {
  if (judge_path(Kind::unlink, AT_FDCWD, path) == Verdict::fail) return -1;
  static const auto call = real<int(const char*)>("unlink");
  return call(path);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  if (judge_path(Kind::unlink, directory, path) == Verdict::fail) return -1;
  static const auto call = real<int(int, const char*, int)>("unlinkat");
  return call(directory, path, flags);
}

int link(const char* from, const char* to) noexcept {
  if (judge_path(Kind::link, AT_FDCWD, to) == Verdict::fail) return -1;
  static const auto call = real<int(const char*, const char*)>("link");
  return call(from, to);
}

ssize_t sendto(int fd, const void* from, size_t count, int flags, const struct sockaddr* to, socklen_t length) {
  if (to != nullptr && to->sa_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path)) {
    const auto* address = reinterpret_cast<const struct sockaddr_un*>(to);
    const std::size_t room =
        std::min<std::size_t>(length - offsetof(struct sockaddr_un, sun_path), sizeof address->sun_path);
    const std::string path(address->sun_path, ::strnlen(address->sun_path, room));
    if (judge_path(Kind::send, AT_FDCWD, path.c_str()) == Verdict::fail) return -1;
  }
  static const auto call = real<ssize_t(int, const void*, size_t, int, const struct sockaddr*, socklen_t)>("sendto");
  return call(fd, from, count, flags, to, length);
}

}  // extern "C"
