#include "cyrus/mailbox_lock.hpp"

#include "base/check.hpp"
#include "cyrus/mailbox_paths.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::LockMode;

/// `mkdir -p` with Cyrus's mode. Others may create the same directories at the same time.
base::Result<void> make_directories(const fs::path& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT || !directory.has_relative_path()) return base::fail_system(directory.native(), errno);
  const auto parent = make_directories(directory.parent_path());
  if (!parent) return parent;
  if (::mkdir(directory.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return base::fail_system(directory.native(), errno);
}

/// Opens a lock file, making it when missing: lock roots below /run are empty after a boot.
base::Result<base::UniqueFd> open_lock_file(const fs::path& file) {
  bool made_directories = false;
  for (;;) {
    // O_NONBLOCK: a FIFO in place of the file must not hold us. Cyrus also truncates; the file is empty anyway.
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd >= 0) return base::UniqueFd{fd};
    if (errno == EINTR) continue;
    if (errno != ENOENT || made_directories) return base::fail_system(file.native(), errno);
    const auto made = make_directories(file.parent_path());
    if (!made) return tl::unexpected(made.error());
    made_directories = true;
  }
}

}  // namespace

MailboxLock::~MailboxLock() {
  while (!held_.empty()) held_.pop_back();
}

base::Result<void> MailboxLock::take(const fs::path& file, LockMode mode) {
  auto fd = open_lock_file(file);
  if (!fd) return tl::unexpected(fd.error());
  auto lock = base::FileLock::try_lock(fd->value(), mode, file.native());
  if (!lock) return tl::unexpected(lock.error());
  held_.push_back(Held{std::move(*fd), std::move(*lock)});
  return {};
}

base::Result<MailboxLock> MailboxLock::lock_user(const MailboxName& name, const StoreConfig& config, LockMode mode) {
  MailboxLock locks;
  locks.held_.reserve(6);
  std::vector<std::pair<fs::path, LockMode>> wanted;
  if (mode == LockMode::exclusive && config.global_lock)
    wanted.emplace_back(global_lock_path(config), LockMode::shared);
  // Nothing in the store tells which release runs beside us, so both names are taken; each release knows one of them.
  wanted.emplace_back(user_lock_path_3_4(name, config), mode);
  auto newer = user_lock_path_3_12(name, config);
  // Mailboxes without an owner share one file of the same name in both: a second descriptor would lock us out.
  if (newer != wanted.back().first) wanted.emplace_back(std::move(newer), mode);
  for (const auto& [file, file_mode] : wanted) {
    const auto taken = locks.take(file, file_mode);
    if (!taken) return tl::unexpected(taken.error());
  }
  locks.user_locks_ = locks.held_.size();
  return locks;
}

base::Result<void> MailboxLock::lock_name(const MailboxRecord& record, const StoreConfig& config, LockMode mode) {
  CHECK(!held_.empty() && !has_name_);
  const auto taken = take(name_lock_path(record, config), mode);
  if (taken) has_name_ = true;
  return taken;
}

base::Result<void> MailboxLock::lock_quota_roots(const StoreConfig& config) {
  CHECK(!held_.empty() && !has_name_);
  if (has_quota_roots_) return {};
  if (auto taken = take(quota_change_lock_path(config), LockMode::exclusive); !taken) return taken;
  has_quota_roots_ = true;
  user_locks_ = held_.size();
  return {};
}

void MailboxLock::release_mailbox() {
  while (held_.size() > user_locks_) held_.pop_back();
  has_name_ = false;
  has_index_ = false;
}

base::Result<void> MailboxLock::lock_index(base::UniqueFd index, LockMode mode, std::string_view what) {
  CHECK(has_name_ && !has_index_);
  auto lock = base::FileLock::try_lock(index.value(), mode, what);
  if (!lock) return tl::unexpected(lock.error());
  held_.push_back(Held{std::move(index), std::move(*lock)});
  has_index_ = true;
  return {};
}

}  // namespace cyrus
