#pragma once

#include <cstddef>
#include <string_view>

namespace auth {

/// Octets of a PLAIN or LOGIN response: no name and password that a back end takes are longer together.
inline constexpr std::size_t kMaxPasswordResponse = 6 * 1024;
/// Octets of any other response; tokens and tickets are long.
inline constexpr std::size_t kMaxResponse = 64 * 1024;

/// True when `name` could be a mechanism: 1 to 20 of A-Z, 0-9, '-' and '_' in either case (RFC 4422 s3.1).
bool is_mechanism_name(std::string_view name);

/// True when a decoded response may be given to libsasl2, whose plug-ins and back ends handle passwords as C strings:
/// what hides behind a NUL would not be looked at.
///
/// EXTERNAL takes a name, so no NUL either. PLAIN needs exactly [authzid] NUL authcid NUL passwd, the last two not
/// empty (RFC 4616 s2); a response of LOGIN holds no NUL and is not empty. An empty password must not reach a directory
/// that takes it for an anonymous bind.
bool is_acceptable_response(std::string_view mechanism, std::string_view response);

}  // namespace auth
