#include "net/tls_context.hpp"

#include "net/certificate_chooser.hpp"
#include "net/client_certificates.hpp"
#include "net/openssl_error.hpp"
#include "net/pem_file.hpp"
#include "net/session_tickets.hpp"
#include "net/setup_digest.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

namespace net {
namespace {

using base::Errc;
using base::fail;
using base::Result;

Result<void> use_versions(SSL_CTX* context, const std::string& versions) {
  struct Version {
    std::string_view name;
    int number;
    std::uint64_t off;
  };
  constexpr std::array kVersions = {
      Version{"tls1_0", TLS1_VERSION, SSL_OP_NO_TLSv1}, Version{"tls1_1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
      Version{"tls1_2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2}, Version{"tls1_3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3}};
  int lowest = 0;
  int highest = 0;
  for (const Version& version : kVersions) {
    if (versions.find(version.name) == std::string::npos) {
      SSL_CTX_set_options(context, version.off);
      continue;
    }
    if (lowest == 0) lowest = version.number;
    highest = version.number;
  }
  if (lowest == 0) return option_error("tls_versions", versions, "names no TLS version");
  // Said twice, by bounds too: the system's openssl.cnf may have set a minimum, and an explicit list is obeyed.
  if (SSL_CTX_set_min_proto_version(context, lowest) != 1 || SSL_CTX_set_max_proto_version(context, highest) != 1) {
    return option_error("tls_versions", versions, take_openssl_error());
  }
  return {};
}

// RFC 7301 s3.2: the one protocol we speak, or no connection. `offered` has been checked by OpenSSL to be well-formed;
// its lengths are checked again because this runs on the first bytes of a stranger.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned int length, void* wanted) {
  const auto& name = *static_cast<const std::string*>(wanted);
  unsigned int at = 0;
  while (at < length) {
    const unsigned int size = offered[at];
    if (size > length - at - 1) break;
    if (size == name.size() && std::equal(name.begin(), name.end(), offered + at + 1)) {
      *out = offered + at + 1;
      *out_length = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
    at += 1 + size;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

TlsContext::TlsContext(const TlsOptions& options)
    : context_(SSL_CTX_new(TLS_server_method())), protocol_(options.protocol) {}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

void TlsContext::use_ticket_keys(std::shared_ptr<const TicketKeys> keys) { tickets_->use(std::move(keys)); }

Result<std::unique_ptr<TlsContext>> TlsContext::create(const TlsOptions& options) {
  ERR_clear_error();
  std::unique_ptr<TlsContext> result(new TlsContext(options));
  if (result->context_ == nullptr) return fail(Errc::io, "TLS: " + take_openssl_error());
  if (const auto done = result->set_up(options); !done) return tl::unexpected(done.error());
  return result;
}

Result<void> TlsContext::set_up(const TlsOptions& options) {
  SSL_CTX_set_options(context_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_SSLv3);
  if (options.prefer_server_ciphers) {
    SSL_CTX_set_options(context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
  } else {
    SSL_CTX_clear_options(context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  // RELEASE_BUFFERS: an idle session keeps no record buffers. MOVING_WRITE_BUFFER: our output string may be moved by
  // growing between two attempts to send the same octets.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_early_data(context_, 0);  // early data can be replayed, and DELE must not be
  if (!protocol_.empty()) SSL_CTX_set_alpn_select_cb(context_, select_protocol, &protocol_);

  if (const auto done = use_versions(context_, options.versions); !done) return done;
  if (SSL_CTX_get_min_proto_version(context_) < TLS1_2_VERSION) {
    warnings_.push_back("tls_versions: TLS 1.0 and 1.1 are broken; they are spoken because the file says so");
  }
  ERR_clear_error();
  if (SSL_CTX_set_cipher_list(context_, options.ciphers.c_str()) != 1) {
    return option_error("tls_ciphers", options.ciphers, take_openssl_error());
  }
  if (!options.curve.empty() && SSL_CTX_set1_groups_list(context_, options.curve.c_str()) != 1) {
    ERR_clear_error();
    return option_error("tls_eccurve", options.curve, "no such group");
  }

  auto certificates = CertificateChooser::load(options);
  if (!certificates) return tl::unexpected(certificates.error());
  certificates_ = std::move(*certificates);
  for (std::string& warning : certificates_->warnings()) warnings_.push_back(std::move(warning));

  SetupDigest digest;
  if (const auto done = ask_for_client_certificates(context_, options, digest); !done) return done;

  const auto lifetime = std::min<std::chrono::seconds>(options.session_lifetime, kMaxSessionLifetime);
  tickets_ = std::make_unique<SessionTickets>(context_, lifetime);
  tickets_->use(std::make_shared<const TicketKeys>(TicketKeys().rotated(std::time(nullptr), lifetime.count())));
  for (const std::string& part : {options.protocol, options.versions, options.ciphers, options.curve}) digest.add(part);
  return certificates_->install(context_, digest.value());
}

}  // namespace net
