#include "auth/local_domain.hpp"

#include <array>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>

namespace auth {

std::string_view domain_of_host(std::string_view host) {
  const auto dot = host.find('.');
  return dot == std::string_view::npos ? std::string_view{} : host.substr(dot + 1);
}

std::string domain_of_address(const std::string& ip) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(ip.c_str(), nullptr, &hints, &list) != 0 || list == nullptr) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{list, &::freeaddrinfo};

  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(list->ai_addr, list->ai_addrlen, host.data(), host.size(), nullptr, 0, NI_NAMEREQD) != 0) return {};
  return std::string{domain_of_host(host.data())};
}

}  // namespace auth
