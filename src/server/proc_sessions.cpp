#include "server/proc_sessions.hpp"

#include "base/file_io.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

namespace server {
namespace {

namespace fs = std::filesystem;

/// Far more than a name, a host name and a mailbox name can be.
constexpr std::size_t kMaxLine = 4096;

bool lives(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

}  // namespace

bool parse_proc_line(std::string_view line, std::string_view service, ProcSession& into) {
  std::array<std::string_view, 4> fields;  // service, client, user, mailbox
  for (std::string_view& field : fields) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return false;
    field = line.substr(0, tab);
    line.remove_prefix(tab + 1);
  }
  const auto& [name, client, user, mailbox] = fields;
  if (name != service || user.empty() || mailbox.empty()) return false;
  const auto open = client.rfind('[');
  const bool has_address = open != std::string_view::npos && client.ends_with(']');
  into.user = user;
  into.host = has_address ? client.substr(open + 1, client.size() - open - 2) : client;
  return true;
}

std::vector<ProcSession> read_proc_sessions(const std::string& directory, std::string_view service, std::size_t limit) {
  std::vector<ProcSession> found;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  const fs::directory_iterator end;
  for (std::size_t looked = 0; !error && entry != end && looked < limit; entry.increment(error), ++looked) {
    const std::string name = entry->path().filename();
    ProcSession session;
    const auto [rest, trouble] = std::from_chars(name.data(), name.data() + name.size(), session.pid);
    if (trouble != std::errc() || rest != name.data() + name.size() || session.pid <= 0) continue;
    const auto line = base::read_file(entry->path(), kMaxLine);
    if (line && parse_proc_line(*line, service, session) && lives(session.pid)) found.push_back(std::move(session));
  }
  return found;
}

}  // namespace server
