#include "net/server_name.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace net {
namespace {

/// The longest name that DNS knows (RFC 1035 s2.3.4), without the dot at its end.
constexpr std::size_t kMaxNameOctets = 253;

bool is_host_name(std::string_view name) {
  const auto is_good = [](char c) { return base::ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() <= kMaxNameOctets && name.front() != '.' && name.back() != '.' &&
         std::all_of(name.begin(), name.end(), is_good);
}

/// Takes a number of two octets off the front; false when there are none.
bool take_number(std::span<const unsigned char>& from, std::size_t& number) {
  if (from.size() < 2) return false;
  number = static_cast<std::size_t>(from[0]) << 8 | from[1];
  from = from.subspan(2);
  return true;
}

}  // namespace

// struct { NameType name_type; opaque HostName<1..2^16-1>; } ServerName server_name_list<1..2^16-1>: only one kind of
// name was ever defined, and of it there may be one only.
std::string requested_name(std::span<const unsigned char> extension) {
  constexpr unsigned char kHostName = 0;
  std::size_t list = 0;
  if (!take_number(extension, list) || list != extension.size() || extension.empty()) return {};
  if (extension[0] != kHostName) return {};
  extension = extension.subspan(1);
  std::size_t octets = 0;
  if (!take_number(extension, octets) || octets != extension.size()) return {};
  std::string_view name(reinterpret_cast<const char*>(extension.data()), extension.size());
  if (name.ends_with('.')) name.remove_suffix(1);  // not allowed, but some send it, and it names the same host
  if (!is_host_name(name)) return {};
  return base::ascii::lower(name);
}

void CertificateNames::add(std::string_view name, std::size_t certificate, int kind) {
  const std::string_view host = name.starts_with("*.") ? name.substr(2) : name;
  if (!is_host_name(host)) return;
  Entry& entry = entries_[base::ascii::lower(name)];
  if (std::find(entry.kinds.begin(), entry.kinds.end(), kind) != entry.kinds.end()) return;
  entry.certificates.push_back(certificate);
  entry.kinds.push_back(kind);
}

std::span<const std::size_t> CertificateNames::find(std::string_view name) const {
  auto found = entries_.find(name);
  if (found == entries_.end()) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || dot == 0) return {};
    found = entries_.find("*" + std::string(name.substr(dot)));
    if (found == entries_.end()) return {};
  }
  return found->second.certificates;
}

}  // namespace net
