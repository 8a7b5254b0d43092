#include "cyrus/sync_log.hpp"

#include "base/file_lock.hpp"
#include "base/file_write.hpp"
#include "base/unique_fd.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

// Writers hold the lock for one line, and sync_client renames the file away under it.
constexpr int kAttempts = 250;
constexpr std::chrono::milliseconds kPause{2};

/// The files of all channels. `""` among the channels, and no channel at all, mean the one without a name.
std::vector<fs::path> log_files(const StoreConfig& config) {
  const fs::path directory = config.config_directory / "sync";
  std::vector<fs::path> files;
  std::string_view rest = config.sync_log_channels;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    const std::string_view channel = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (channel.empty() || channel == "." || channel == ".." || channel.find('/') != std::string_view::npos) continue;
    files.push_back(channel == "\"\"" ? directory / "log" : directory / channel / "log");
  }
  if (files.empty()) files.push_back(directory / "log");
  return files;
}

base::Result<base::UniqueFd> open_log(const fs::path& file) {
  for (bool made_directory = false;;) {
    base::UniqueFd fd(
        ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640));
    if (fd) return fd;
    if (errno == EINTR) continue;
    if (errno != ENOENT || made_directory) return base::fail_system(file.native(), errno);
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error) return base::fail_system(file.parent_path().native(), error.value());
    made_directory = true;
  }
}

/// One write, so that no reader sees half of it.
base::Result<void> append(int fd, std::string_view line, const std::string& what) {
  ssize_t wrote = 0;
  do {
    wrote = ::write(fd, line.data(), line.size());
  } while (wrote < 0 && errno == EINTR);
  if (wrote < 0) return base::fail_system("write " + what, errno);
  if (static_cast<std::size_t>(wrote) != line.size()) return base::fail(Errc::io, "write " + what + ": cut short");
  return base::sync_file(fd, what);
}

base::Result<void> log_to(const fs::path& file, std::string_view line) {
  const std::string what = file.native();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt != 0) std::this_thread::sleep_for(kPause);
    const auto fd = open_log(file);
    if (!fd) return tl::unexpected(fd.error());
    const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, what);
    if (!lock && lock.error().code == Errc::busy) continue;
    if (!lock) return tl::unexpected(lock.error());
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(fd->value(), &opened) != 0) return base::fail_system(what, errno);
    if (!S_ISREG(opened.st_mode)) return base::fail(Errc::io, what + ": not a regular file");
    // Renamed away to be worked off: what is appended now would never be read.
    if (::stat(file.c_str(), &named) != 0 || opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) continue;
    return append(fd->value(), line, what);
  }
  return base::fail(Errc::busy, what + ": locked by another process");
}

base::Result<void> log_to_all(const StoreConfig& config, std::string_view lines) {
  if (!config.sync_log) return {};
  base::Result<void> result;
  for (const fs::path& file : log_files(config)) {
    auto logged = log_to(file, lines);
    if (!logged && result) result = std::move(logged);
  }
  return result;
}

}  // namespace

std::string sync_log_line(const MailboxName& name, std::string_view word) {
  const std::string& intname = name.intname();
  std::string line = std::string(word) + ' ';
  if (intname.find_first_of(" \t()\\\"{}") == std::string::npos) return line + intname + '\n';
  line += '"';
  for (const char c : intname) {
    if (std::string_view("\\\"{}").find(c) != std::string_view::npos) line += '\\';
    line += c;
  }
  return line + "\"\n";
}

base::Result<void> log_mailbox_change(const StoreConfig& config, const MailboxName& name) {
  return log_to_all(config, sync_log_line(name));
}

base::Result<void> log_mailbox_append(const StoreConfig& config, const MailboxName& name) {
  return log_to_all(config, sync_log_line(name, "APPEND") + sync_log_line(name));
}

}  // namespace cyrus
