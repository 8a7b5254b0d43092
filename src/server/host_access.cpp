#include "server/host_access.hpp"

#include "base/ascii.hpp"
#include "base/file_io.hpp"

#include <syslog.h>
#include <tcpd.h>

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utility>

namespace server {
namespace {

/// A file of more than so many octets has rules; nobody counts them.
constexpr std::size_t kMaxLookedAt = 1024 * 1024;

sockaddr_storage address_of(const net::Endpoint& end) {
  sockaddr_storage out = {};
  sockaddr_in v4 = {};
  sockaddr_in6 v6 = {};
  if (::inet_pton(AF_INET, end.ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(end.port));
    std::memcpy(&out, &v4, sizeof(v4));
  } else if (::inet_pton(AF_INET6, end.ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(end.port));
    std::memcpy(&out, &v6, sizeof(v6));
  }
  return out;
}

/// Whether a line is neither empty nor a comment. A file that cannot be read is libwrap's to complain of.
bool has_rules(const std::string& path) {
  const auto text = base::read_file(path, kMaxLookedAt);
  if (!text) return text.error().code != base::Errc::not_found;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\n', begin), text->size());
    const auto line = base::ascii::trim(std::string_view(*text).substr(begin, end - begin));
    if (!line.empty() && line.front() != '#') return true;
    begin = end + 1;
  }
  return false;
}

// On the one thread that may.
bool ask_libwrap(HostAccessFiles& files, std::string& daemon, const net::Endpoint& client, const net::Endpoint& server,
                 int socket) {
  hosts_allow_table = files.allow.data();
  hosts_deny_table = files.deny.data();
  resident = 1;  // `twist`, which would replace this process, is an error then, and an error refuses
  auto client_address = address_of(client);
  auto server_address = address_of(server);
  request_info request;
  request_init(&request, RQ_DAEMON, daemon.data(), RQ_FILE, socket, RQ_CLIENT_SIN, &client_address, RQ_SERVER_SIN,
               &server_address, 0);
  sock_methods(&request);
  return hosts_access(&request) != 0;
}

}  // namespace

struct HostAccess::Answer {
  bool allowed = true;
  bool asked = false;
  bool has_rules = true;

  Answer() = default;
};

HostAccess::HostAccess(net::Loop& loop, HostAccessFiles files)
    : files_(std::move(files)), pool_(loop, 1, "hosts-access") {}

HostAccess::Signature HostAccess::signature() const {
  Signature out;
  for (const std::string& path : {files_.allow, files_.deny}) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) {
      out.push_back(-1);
      continue;
    }
    out.insert(out.end(), {static_cast<std::int64_t>(status.st_ino), status.st_size, status.st_mtim.tv_sec,
                           status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec});
  }
  return out;
}

net::Task<bool> HostAccess::allows(std::string daemon, net::Endpoint client, net::Endpoint server, int socket) {
  asked_ = false;
  if (client.ip.empty()) co_return true;
  auto now = signature();
  const bool changed = now != seen_;
  if (!changed && !has_rules_) co_return true;
  auto work = [this, changed, &daemon, &client, &server, socket]() {
    Answer answer;
    if (changed) answer.has_rules = has_rules(files_.allow) || has_rules(files_.deny);
    if (!answer.has_rules) return answer;
    answer.asked = true;
    answer.allowed = ask_libwrap(files_, daemon, client, server, socket);
    return answer;
  };
  const Answer answer = co_await pool_.run(std::move(work));
  if (changed) {
    seen_ = std::move(now);
    has_rules_ = answer.has_rules;
  }
  asked_ = answer.asked;
  co_return answer.allowed;
}

}  // namespace server
