#include "base/check.hpp"
#include "net/server_name.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const net::CertificateNames names = [] {
    net::CertificateNames made;
    made.add("mail.example.org", 1, 0);
    made.add("*.example.org", 2, 0);
    return made;
  }();
  const std::string name = net::requested_name({data, size});
  CHECK(name.size() <= 253);
  for (const char c : name) CHECK(c == '-' || c == '.' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
  const auto found = names.find(name);
  CHECK(found.size() <= 1);
  if (!found.empty()) CHECK(name.ends_with(".example.org") && (found[0] == 1) == (name == "mail.example.org"));

  // What could be a name in a certificate can be looked up afterwards, or was passed over.
  net::CertificateNames own;
  own.add({reinterpret_cast<const char*>(data), size}, 0, 0);
  CHECK(own.size() <= 1);
  return 0;
}
