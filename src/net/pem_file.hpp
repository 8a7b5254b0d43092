#pragma once

#include "base/result.hpp"
#include "net/openssl_ptr.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace net {

/// Reading of PEM files, of at most 1 MiB each. Blocks on disk; asks nobody for a passphrase. Errors name the option,
/// the file and what is wrong. A file that ends within an object, or holds a broken one, is an error as a whole.

/// All certificates in it, at least one.
base::Result<std::vector<X509Ptr>> read_certificates(std::string_view option, const std::string& file);
/// The first private key in it.
base::Result<KeyPtr> read_private_key(std::string_view option, const std::string& file);
/// All revocation lists in it, at least one.
base::Result<std::vector<CrlPtr>> read_revocation_lists(std::string_view option, const std::string& file);

/// "OPTION: VALUE: WHAT" as an error.
tl::unexpected<base::Error> option_error(std::string_view option, std::string_view value, std::string_view what);

}  // namespace net
