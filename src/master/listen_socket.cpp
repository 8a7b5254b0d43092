#include "master/listen_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace master {
namespace {

using base::Errc;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

base::Result<addrinfo> hints_for(std::string_view proto) {
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE;
  const std::string_view kind = proto.substr(0, 3);
  const std::string_view family = proto.substr(std::min<std::size_t>(3, proto.size()));
  if (kind == "tcp") {
    hints.ai_socktype = SOCK_STREAM;
  } else if (kind == "udp") {
    hints.ai_socktype = SOCK_DGRAM;
  } else {
    return base::fail(Errc::invalid, "invalid proto '" + std::string(proto) + "'");
  }
  if (family.empty()) {
    hints.ai_family = AF_UNSPEC;
  } else if (family == "4") {
    hints.ai_family = AF_INET;
  } else if (family == "6") {
    hints.ai_family = AF_INET6;
  } else {
    return base::fail(Errc::invalid, "invalid proto '" + std::string(proto) + "'");
  }
  return hints;
}

std::string numeric(const addrinfo& info) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(info.ai_addr, info.ai_addrlen, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  if (info.ai_family == AF_INET6) return std::string("[") + host.data() + "]:" + port.data();
  return std::string(host.data()) + ":" + port.data();
}

base::Result<SocketAddress> unix_address(const Endpoint& endpoint) {
  sockaddr_un address = {};
  if (endpoint.path.size() >= sizeof address.sun_path) {
    return base::fail(Errc::invalid, "invalid listen '" + endpoint.path + "' (too long)");
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.path.data(), endpoint.path.size());
  SocketAddress result;
  static_assert(sizeof address <= sizeof result.storage);
  std::memcpy(&result.storage, &address, sizeof address);
  result.length = sizeof address;
  result.family = AF_UNIX;
  // Cyrus makes any proto but plain "tcp" a datagram socket and then cannot listen on it; a stream is what was meant.
  result.type = endpoint.proto.starts_with("udp") ? SOCK_DGRAM : SOCK_STREAM;
  result.text = endpoint.path;
  return result;
}

// The numeric port is checked here because getaddrinfo takes 70000 for 4464.
base::Result<void> check_port(const std::string& port) {
  if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos) return {};
  if (port.size() > 5 || std::stoi(port) > 65535) return base::fail(Errc::invalid, "port " + port + " is out of range");
  return {};
}

base::Error bind_error(std::string_view verb, const SocketAddress& address, int error) {
  return base::system_error(std::string(verb) + " " + address.text, error);
}

// Only a socket makes way: a typing error in `listen` must not cost a file.
base::Result<void> remove_old_socket(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    const int error = errno;
    if (error == ENOENT) return {};
    return base::fail_system("cannot bind " + path, error);
  }
  if (!S_ISSOCK(status.st_mode))
    return base::fail(Errc::invalid, "cannot bind " + path + ": not a socket, not replaced");
  if (::unlink(path.c_str()) != 0) return base::fail_system("cannot replace " + path, errno);
  return {};
}

base::Result<void> set_options(int fd, const SocketAddress& address, const ListenOptions& options) {
  if (address.family == AF_UNIX) return {};
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return tl::unexpected<base::Error>(bind_error("SO_REUSEADDR", address, errno));
  }
  if (address.family == AF_INET6 && ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return tl::unexpected<base::Error>(bind_error("IPV6_V6ONLY", address, errno));
  }
  if (options.type_of_service != 0) {
    // A wish of the administrator to the routers: a kernel that refuses it does not stop the service.
    const int tos = options.type_of_service;
    if (address.family == AF_INET) static_cast<void>(::setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos));
    if (address.family == AF_INET6) static_cast<void>(::setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos));
  }
  return {};
}

int bind_socket(int fd, const SocketAddress& address) {
  const auto* const name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (address.family != AF_UNIX) return ::bind(fd, name, address.length);
  const mode_t old_mask = ::umask(0);
  const int result = ::bind(fd, name, address.length);
  const int error = errno;
  ::umask(old_mask);
  errno = error;
  return result;
}

}  // namespace

base::Result<std::vector<SocketAddress>> resolve(const Endpoint& endpoint) {
  std::vector<SocketAddress> addresses;
  const auto hints = hints_for(endpoint.proto);
  if (!hints) return tl::unexpected<base::Error>(hints.error());
  if (!endpoint.path.empty()) {
    auto address = unix_address(endpoint);
    if (!address) return tl::unexpected<base::Error>(std::move(address.error()));
    addresses.push_back(std::move(*address));
    return addresses;
  }
  if (auto checked = check_port(endpoint.port); !checked)
    return tl::unexpected<base::Error>(std::move(checked.error()));

  addrinfo* found = nullptr;
  // Without a host there must be a port text for getaddrinfo: "0" is the kernel's choice.
  const char* const host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  const char* const port = endpoint.port.empty() ? "0" : endpoint.port.c_str();
  if (const int failed = ::getaddrinfo(host, port, &*hints, &found); failed != 0) {
    return base::fail(Errc::not_found, endpoint.host + ":" + endpoint.port + ": " + ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    SocketAddress address;
    if (info->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.length = info->ai_addrlen;
    address.family = info->ai_family;
    address.type = info->ai_socktype;
    address.text = numeric(*info);
    // /etc/hosts may name an address twice; the second bind could only fail.
    const bool known = std::any_of(addresses.begin(), addresses.end(), [&](const SocketAddress& other) {
      return other.length == address.length && std::memcmp(&other.storage, &address.storage, address.length) == 0;
    });
    if (!known) addresses.push_back(std::move(address));
  }
  return addresses;
}

std::string_view family_name(const SocketAddress& address) {
  if (address.family == AF_UNIX) return "unix";
  return address.family == AF_INET6 ? "ipv6" : "ipv4";
}

base::Result<base::UniqueFd> open_listener(const SocketAddress& address, const ListenOptions& options) {
  base::UniqueFd fd(::socket(address.family, address.type | SOCK_CLOEXEC, 0));
  if (!fd) {
    base::Error failure = bind_error("cannot make a socket for", address, errno);
    if (failure.errnum == EAFNOSUPPORT) failure.code = Errc::unsupported;
    return tl::unexpected<base::Error>(std::move(failure));
  }
  if (auto set = set_options(fd.value(), address, options); !set) return tl::unexpected<base::Error>(set.error());
  if (address.family == AF_UNIX) {
    if (auto removed = remove_old_socket(address.text); !removed) {
      return tl::unexpected<base::Error>(std::move(removed.error()));
    }
  }
  if (bind_socket(fd.value(), address) != 0) {
    return tl::unexpected<base::Error>(bind_error("cannot bind", address, errno));
  }
  if (address.type == SOCK_STREAM && ::listen(fd.value(), options.backlog) != 0) {
    return tl::unexpected<base::Error>(bind_error("cannot listen on", address, errno));
  }
  return fd;
}

int type_of_service(std::string_view qosmarking) {
  if (qosmarking == "ef") return 0xb8;
  const auto digit = [&](std::size_t at) { return qosmarking[at] - '0'; };
  if (qosmarking.size() == 3 && qosmarking.starts_with("cs") && digit(2) >= 0 && digit(2) <= 7) return digit(2) << 5;
  if (qosmarking.size() == 4 && qosmarking.starts_with("af") && digit(2) >= 1 && digit(2) <= 4 && digit(3) >= 1 &&
      digit(3) <= 3) {
    return (digit(2) << 5) | (digit(3) << 3);
  }
  return 0;
}

}  // namespace master
