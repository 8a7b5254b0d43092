#include "config/listen_address.hpp"

#include "base/ascii.hpp"
#include "config/value.hpp"

#include <algorithm>
#include <charconv>
#include <sys/un.h>

namespace config {
namespace {

namespace ascii = base::ascii;

/// NI_MAXHOST of glibc: nothing longer can be looked up.
constexpr std::size_t kMaxHost = 1025;

tl::unexpected<base::Error> refuse(std::string_view text, std::string_view reason) {
  return base::fail(base::Errc::invalid, "invalid listen " + shown(text) + ": " + std::string(reason));
}

/// A port number beyond 65535. Service names are left to the lookup.
bool is_out_of_range(std::string_view port) {
  if (!std::all_of(port.begin(), port.end(), ascii::is_digit)) return false;
  unsigned number = 0;
  const auto result = std::from_chars(port.data(), port.data() + port.size(), number);
  return result.ec != std::errc{} || number > 65535;
}

}  // namespace

base::Result<ListenAddress> parse_listen(std::string_view text) {
  if (text.empty()) return refuse(text, "it is empty");
  if (std::any_of(text.begin(), text.end(), [](char c) { return ascii::is_space(c) || ascii::is_control(c); })) {
    return refuse(text, "it contains blanks or control characters");
  }

  ListenAddress address;
  if (text.front() == '/') {
    if (text.size() >= sizeof(sockaddr_un{}.sun_path)) return refuse(text, "too long");
    address.kind = ListenAddress::unix_socket;
    address.path = text;
    return address;
  }

  std::string_view host;
  std::string_view port = text;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return refuse(text, "']' is missing");
    host = text.substr(1, end - 1);
    if (host.empty()) return refuse(text, "there is no address between the brackets");
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return refuse(text, "behind ']' there must be ':' and a port");
    port = rest.empty() ? "0" : rest.substr(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    // Which colon ends the address cannot be known: ::1:110 is an address as well.
    if (port.find(':') != std::string_view::npos) return refuse(text, "an IPv6 address must stand in brackets");
  }
  if (port.empty()) return refuse(text, "the port is missing");
  if (is_out_of_range(port)) return refuse(text, "the port is greater than 65535");
  if (host.size() >= kMaxHost) return refuse(text, "the host is too long");
  address.host = host;
  address.port = port;
  return address;
}

}  // namespace config
