#include "cyrus/user_files.hpp"

#include "base/directory.hpp"
#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/file_write.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

constexpr std::string_view kVersionLine = "\x1fVER\x1f\t2\n";
constexpr std::size_t kMaxFile = std::size_t{16} << 20;
constexpr int kRenameRetries = 8;

/// Opens and locks the file that the name leads to, making it when missing.
base::Result<std::pair<base::UniqueFd, base::FileLock>> open_locked(const fs::path& file) {
  for (int attempt = 0; attempt < kRenameRetries; ++attempt) {
    base::UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666));
    if (!fd && errno == EINTR) continue;
    if (!fd) return base::fail_system(file.native(), errno);
    auto lock = base::FileLock::try_lock(fd.value(), base::LockMode::exclusive, file.native());
    if (!lock) return tl::unexpected(std::move(lock.error()));
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(fd.value(), &opened) != 0) return base::fail_system(file.native(), errno);
    if (::stat(file.c_str(), &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
      return std::make_pair(std::move(fd), std::move(*lock));
    }
  }
  return base::fail(Errc::busy, file.native() + ": was replaced again and again");
}

}  // namespace

fs::path user_file_path(const MailboxRecord& inbox, std::string_view kind, const StoreConfig& config) {
  if (!inbox.legacy_layout) {
    const std::string& id = inbox.uniqueid;
    fs::path file =
        config.config_directory / "user" / "uuid" / id.substr(0, 1) / id.substr(1, 1) / id / std::string(kind);
    file += ".db";
    return file;
  }
  const std::string userid = inbox.name.userid();
  const std::string local = userid.substr(0, userid.rfind('@'));
  fs::path directory = config.config_directory;
  if (const std::string& domain = inbox.name.domain(); !domain.empty()) {
    directory = directory / "domain" / std::string(1, hash_letter(domain, config.full_dir_hash)) / domain;
  }
  return directory / "user" / std::string(1, hash_letter(local, config.full_dir_hash)) /
         (local + '.' + std::string(kind));
}

base::Result<std::string> add_subscriptions(std::string_view text, const MailboxName& inbox,
                                            const std::vector<MailboxName>& names, std::string_view what) {
  std::set<std::string> lines;
  if (!text.empty()) {
    if (!text.starts_with(kVersionLine)) {
      return base::fail(Errc::unsupported, std::string(what) + ": not a flat database of version 2");
    }
    std::string_view rest = text.substr(kVersionLine.size());
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
      lines.emplace(rest.substr(0, end + 1));
      rest.remove_prefix(end + 1);
    }
  }
  for (const MailboxName& name : names) {
    std::string key = name.dbname();
    if (key.find('\xff') != std::string::npos) {
      return base::fail(Errc::invalid, std::string(what) + ": a name that needs escapes");
    }
    const std::string own = inbox.dbname();
    if (key == own || key.starts_with(own + '\x1f')) key.replace(0, own.size(), "INBOX");
    lines.insert('N' + key + "\t\n");
  }
  std::string after(kVersionLine);
  for (const std::string& line : lines) after += line;
  return after;
}

base::Result<void> subscribe(const MailboxRecord& inbox, const std::vector<MailboxName>& names,
                             const StoreConfig& config) {
  const fs::path file = user_file_path(inbox, "sub", config);
  const std::string what = file.native();
  if (auto made = base::make_directories(file.parent_path()); !made) return made;
  const auto opened = open_locked(file);
  if (!opened) return tl::unexpected(opened.error());
  const auto text = base::read_file(file, kMaxFile);
  if (!text) return tl::unexpected(text.error());
  const auto after = add_subscriptions(*text, inbox.name, names, what);
  if (!after) return tl::unexpected(after.error());
  if (*after == *text) return {};
  fs::path next = file;
  next += ".NEW";
  if (auto done = base::replace_file(file, next, *after); !done) return done;
  return base::sync_directory(file.parent_path());
}

base::Result<void> remove_user_files(const MailboxRecord& inbox, const StoreConfig& config) {
  for (const std::string_view kind : {"sub", "seen"}) {
    const fs::path file = user_file_path(inbox, kind, config);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return base::fail_system(file.native(), errno);
  }
  return {};
}

}  // namespace cyrus
