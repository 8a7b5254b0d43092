#include "cyrus/sieve_script.hpp"

#include "base/check.hpp"
#include "cyrus/mailbox_name.hpp"

#include <array>
#include <cerrno>
#include <pwd.h>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace cyrus {
namespace {

namespace fs = std::filesystem;

/// The home directory of a user of this machine; empty if there is no such user.
fs::path home_directory(const std::string& user) {
  std::vector<char> strings(16 * 1024);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwnam_r(user.c_str(), &entry, strings.data(), strings.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_dir;
}

}  // namespace

fs::path active_script_path(const MailboxRecord& inbox, const StoreConfig& config) {
  const std::string userid = inbox.name.userid();
  CHECK(!userid.empty());
  const std::string local_part = userid.substr(0, userid.rfind('@'));
  if (config.sieve_use_home_directory) {
    const fs::path home = home_directory(local_part);
    return home.empty() ? home : home / ".sieve";
  }
  fs::path directory = config.sieve_directory;
  if (!inbox.legacy_layout && inbox.uniqueid.size() >= 2) {
    directory = directory / "uuid" / inbox.uniqueid.substr(0, 1) / inbox.uniqueid.substr(1, 1) / inbox.uniqueid;
    return directory / "defaultbc";
  }
  const std::string& domain = inbox.name.domain();
  if (!domain.empty()) {
    directory = directory / "domain" / std::string(1, hash_letter(domain, config.full_dir_hash)) / domain;
  }
  const std::string& name = domain.empty() ? userid : local_part;
  return directory / std::string(1, hash_letter(name, config.full_dir_hash)) / name / "defaultbc";
}

bool has_active_script(const MailboxRecord& inbox, const StoreConfig& config) {
  const fs::path path = active_script_path(inbox, config);
  if (path.empty()) return false;
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

}  // namespace cyrus
