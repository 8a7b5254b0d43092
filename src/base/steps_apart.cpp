// clone(2) as vfork(2) has it: the child runs in this memory while the calling thread waits in the kernel, and lives on
// with all of it when this process is killed, for memory and descriptors last as long as anybody has them.
//
// Other threads go on meanwhile, and may be killed with a lock of malloc in their hands. So the child calls nothing
// that allocates, logs or waits for a thread: what it needs is laid out before, and its result is a number.
// Thread-local memory is that of the calling thread, which uses it neither.
//
// What ends everybody who shares a memory also ends the child: the kernel when it is out of memory, and before Linux
// 5.16 a core dump. Then steps are left undone, as they are without a child.

#include "base/steps_apart.hpp"

#include "base/check.hpp"
#include "base/signals_blocked.hpp"
#include "base/unique_fd.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace base {
namespace {

constexpr std::size_t kStack = std::size_t{64} * 1024;  // sanitizers want some

;

/// 0 or errno.
int write_all(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    if (wrote == 0) return EIO;  // without progress this would never end
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return 0;
}

int sync_path(const char* path) {
  UniqueFd fd;
  do {
    fd.reset(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  } while (!fd && errno == EINTR);
  return fd && ::fsync(fd.value()) == 0 ? 0 : errno;
}

}  // namespace

void StepsApart::link(const std::filesystem::path& from, const std::filesystem::path& to) {
  steps_.push_back({Kind::link, from.native(), to.native(), -1, {}, 0});
}

void StepsApart::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  steps_.push_back({Kind::rename, from.native(), to.native(), -1, {}, 0});
}

void StepsApart::write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset, std::string_view name) {
  steps_.push_back({Kind::write, std::string(name), {}, fd, bytes, offset});
}

void StepsApart::sync_data(int fd, std::string_view name) {
  steps_.push_back({Kind::sync_data, std::string(name), {}, fd, {}, 0});
}

void StepsApart::sync_directory(const std::filesystem::path& directory) {
  steps_.push_back({Kind::sync_directory, directory.native(), {}, -1, {}, 0});
}

int StepsApart::carry_out(const Step& step) {
  switch (step.kind) {
    case Kind::link:
      return ::link(step.name.c_str(), step.to.c_str()) == 0 ? 0 : errno;
    case Kind::rename:
      return std::rename(step.name.c_str(), step.to.c_str()) == 0 ? 0 : errno;
    case Kind::write:
      return write_all(step.fd, step.bytes, step.offset);
    case Kind::sync_data:
      return ::fdatasync(step.fd) == 0 ? 0 : errno;
    case Kind::sync_directory:
      return sync_path(step.name.c_str());
  }
  return ENOSYS;
}

void StepsApart::carry_out_all() {
  for (const Step& step : steps_) {
    begun_ = begun_ + 1;
    errnum_ = carry_out(step);
    if (errnum_ != 0) break;
  }
  is_over_ = true;
}

int StepsApart::run_child(void* self) {
  static_cast<StepsApart*>(self)->carry_out_all();
  return 0;
}

Error StepsApart::failure() const {
  const Step& step = steps_[begun_ - 1];
  std::string text;
  switch (step.kind) {
    case Kind::link:
    case Kind::rename:
      text = (step.kind == Kind::link ? "link " : "rename ") + step.to;
      break;
    case Kind::write:
      text = "write " + step.name;
      break;
    case Kind::sync_data:
      text = "fdatasync " + step.name;
      break;
    case Kind::sync_directory:
      text = "fsync " + step.name;
      break;
  }
  return system_error(text, errnum_);
}

Result<void> StepsApart::run() {
  CHECK(begun_ == 0);
  const auto stack = std::make_unique_for_overwrite<std::byte[]>(kStack);
  pid_t child = -1;
#if !defined(__SANITIZE_THREAD__)  // whose runtime takes this for a fork, and forgets its threads in the memory of both
  {
    const SignalsBlocked blocked;
    // Stacks grow downwards.
    child = ::clone(run_child, stack.get() + kStack, CLONE_VM | CLONE_VFORK | SIGCHLD, this);
  }
#endif
  if (child < 0) {
    carry_out_all();
  } else {
    int status = 0;
    // ECHILD, when SIGCHLD was inherited as ignored, also means that it has ended.
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!is_over_) {
      const std::string how =
          WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status)) : std::string("ended early");
      return fail(Errc::io, what_ + ": the process that wrote it " + how);
    }
  }
  if (errnum_ != 0) return tl::unexpected(failure());
  return {};
}

}  // namespace base
