#include "server/client_names.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netdb.h>
#include <sys/socket.h>
#include <utility>

namespace server {
namespace {

constexpr std::size_t kMaxKnown = 4096;
constexpr std::chrono::minutes kRemembered{10};

/// The name that `ip` resolves to, or "". Blocks on DNS. Only a name whose own addresses contain `ip` is believed:
/// whoever owns the reverse zone could otherwise write any name into our log.
std::string resolve(const std::string& ip) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* numeric = nullptr;
  if (::getaddrinfo(ip.c_str(), nullptr, &hints, &numeric) != 0) return {};
  std::array<char, NI_MAXHOST> name{};
  const int found =
      ::getnameinfo(numeric->ai_addr, numeric->ai_addrlen, name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
  const auto address_length = numeric->ai_addrlen;
  sockaddr_storage address = {};
  std::memcpy(&address, numeric->ai_addr, address_length);
  ::freeaddrinfo(numeric);
  if (found != 0 || !is_host_name(name.data())) return {};

  addrinfo forward_hints = {};
  forward_hints.ai_family = address.ss_family;
  forward_hints.ai_socktype = SOCK_STREAM;
  addrinfo* forward = nullptr;
  if (::getaddrinfo(name.data(), nullptr, &forward_hints, &forward) != 0) return {};
  bool confirmed = false;
  for (const addrinfo* one = forward; one != nullptr && !confirmed; one = one->ai_next) {
    confirmed = one->ai_addrlen == address_length && std::memcmp(one->ai_addr, &address, address_length) == 0;
  }
  ::freeaddrinfo(forward);
  return confirmed ? std::string(name.data()) : std::string();
}

}  // namespace

bool is_host_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

ClientNames::ClientNames(net::Loop& loop) : loop_(loop), pool_(loop, 1, "client-names") {}

void ClientNames::want(const std::string& ip) {
  if (ip.empty()) return;
  const auto now = net::Clock::now();
  const auto known = known_.find(ip);
  if (known != known_.end() && known->second.expires > now) return;
  std::string last_name = known == known_.end() ? std::string() : known->second.name;
  if (known_.size() >= kMaxKnown) known_.clear();  // rare and cheap: the next clients ask again
  known_.insert_or_assign(ip, Known{std::move(last_name), now + kRemembered});
  net::spawn(loop_, look_up(ip));
}

net::Task<void> ClientNames::look_up(std::string ip) {
  auto work = [ip] { return resolve(ip); };
  std::string name = co_await pool_.run(std::move(work));
  const auto known = known_.find(ip);
  if (known != known_.end()) known->second.name = std::move(name);
}

std::string ClientNames::shown(const std::string& ip) const {
  if (ip.empty()) return "[unix socket]";
  const auto known = known_.find(ip);
  const std::string name = known == known_.end() ? std::string() : known->second.name;
  return name.empty() ? "[" + ip + "]" : name + " [" + ip + "]";
}

}  // namespace server
