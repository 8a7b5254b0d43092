#pragma once

#include "base/result.hpp"
#include "net/openssl_ptr.hpp"
#include "net/setup_digest.hpp"
#include "net/tls_options.hpp"

#include <string>

struct ssl_ctx_st;

namespace net {

/// Makes `context` ask clients for a certificate, as the options say, and verify it: chain of at most five
/// intermediates, validity, purpose, revocation. A certificate that does not verify ends the handshake, also where it
/// was optional.
///
/// Authorities and lists are read here, once, whatever of them is needed later: a handshake does not wait for a disk.
/// Blocks on disk. What verification depends on goes into `digest`. Errors name the file and the option.
base::Result<void> ask_for_client_certificates(ssl_ctx_st* context, const TlsOptions& options, SetupDigest& digest);

/// The identity that a verified certificate gives: the CN of its subject, as in Cyrus. Refused, with the reason in
/// `problem`: none, or more than one; empty, too long; control characters, NUL among them; octets beyond ASCII; `*`;
/// blanks at an end.
struct ClientIdentity {
  std::string name;
  std::string problem;

  ClientIdentity() = default;
};
ClientIdentity client_identity(const X509* certificate);

}  // namespace net
