#include "server/proc_entry.hpp"

#include "base/file_write.hpp"
#include "base/unique_fd.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace server {
namespace {

constexpr mode_t kReadable = 0644;  // less the umask

base::UniqueFd create(const std::string& path) {
  return base::UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kReadable));
}

base::Result<void> replace(const std::string& path, const std::string& line) {
  const std::string fresh = path + ".new";
  base::UniqueFd file = create(fresh);
  if (!file && errno == ENOENT) {
    std::error_code error;  // the second try tells
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    file = create(fresh);
  }
  if (!file) return base::fail_system(fresh, errno);
  const std::span bytes(reinterpret_cast<const unsigned char*>(line.data()), line.size());
  auto done = base::write_exactly(file.value(), bytes, 0, fresh);
  if (done && ::rename(fresh.c_str(), path.c_str()) != 0) done = base::fail_system(fresh, errno);
  if (!done) ::unlink(fresh.c_str());  // best effort: the failure is told already
  return done;
}

}  // namespace

ProcEntry::ProcEntry(std::string_view directory, std::string service, const base::Log& log)
    : service_(std::move(service)), log_(log) {
  if (directory.empty()) return;
  path_ = directory;
  if (!path_.ends_with('/')) path_ += '/';
  path_ += std::to_string(::getpid());
}

ProcEntry::~ProcEntry() { hide(); }

void ProcEntry::hide() {
  if (written_) ::unlink(path_.c_str());  // somebody else may have removed it already
  written_ = false;
}

void ProcEntry::show(std::string_view client, std::string_view user, std::string_view mailbox) {
  if (path_.empty()) return;
  // A TAB or LF inside a field would make it two.
  const std::string line = base::printable(service_) + '\t' + base::printable(client) + '\t' + base::printable(user) +
                           '\t' + base::printable(mailbox) + "\t\n";
  const auto done = replace(path_, line);
  if (done) {
    written_ = true;
  } else {
    log_.error("unable to register process: " + done.error().text);
  }
}

}  // namespace server
