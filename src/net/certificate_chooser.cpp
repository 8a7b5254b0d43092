#include "net/certificate_chooser.hpp"

#include "net/certificate_files.hpp"
#include "net/openssl_error.hpp"
#include "net/pem_file.hpp"
#include "net/setup_digest.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <ctime>
#include <utility>

namespace net {

using base::Result;

Result<std::unique_ptr<CertificateChooser>> CertificateChooser::load(const TlsOptions& options) {
  std::unique_ptr<CertificateChooser> out(new CertificateChooser);
  if (const auto done = out->load_all(options); !done) return tl::unexpected(done.error());
  out->index_names();
  return out;
}

Result<void> CertificateChooser::load_all(const TlsOptions& options) {
  const auto defaults = default_certificate_files(options);
  if (!defaults) return tl::unexpected(defaults.error());
  const auto named = named_certificate_files(options);
  if (!named) return tl::unexpected(named.error());
  for (const auto* list : {&*defaults, &*named}) {
    for (const CertificateFiles& files : *list) {
      auto loaded = ServerCertificate::load(files);
      if (!loaded) return tl::unexpected(loaded.error());
      if (list == &*defaults) defaults_.push_back(certificates_.size());
      certificates_.push_back(std::move(*loaded));
    }
  }
  return {};
}

// The defaults come last: they are shown for their own names where nothing else is, not for a wildcard of others.
void CertificateChooser::index_names() {
  if (certificates_.size() == defaults_.size()) return;
  const auto add = [this](std::size_t i) {
    for (const std::string& name : certificates_[i].names()) {
      names_.add(name, i, EVP_PKEY_get_base_id(certificates_[i].key()));
    }
  };
  for (std::size_t i = defaults_.size(); i < certificates_.size(); ++i) add(i);
  for (const std::size_t i : defaults_) add(i);
}

Result<void> CertificateChooser::install(SSL_CTX* context, std::string setup_digest) {
  setup_digest_ = std::move(setup_digest);
  for (const std::size_t i : defaults_) {
    const ServerCertificate& own = certificates_[i];
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(context, own.certificate(), own.key(), own.chain(), 1) != 1) {
      return option_error("tls_server_cert", own.file(), take_openssl_error());
    }
  }
  const std::string sessions = session_context(defaults_);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(sessions.data()),
                                 static_cast<unsigned>(sessions.size()));
  if (names_.size() > 0) SSL_CTX_set_client_hello_cb(context, choose, this);
  return {};
}

std::string CertificateChooser::session_context(std::span<const std::size_t> chosen) const {
  SetupDigest digest;
  digest.add(setup_digest_);
  for (const std::size_t i : chosen) digest.add(certificates_[i].digest());
  return digest.value();
}

bool CertificateChooser::show(SSL* ssl, std::span<const std::size_t> chosen) const {
  const std::string sessions = session_context(chosen);
  if (SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(sessions.data()),
                                 static_cast<unsigned>(sessions.size())) != 1) {
    return false;
  }
  SSL_certs_clear(ssl);
  for (const std::size_t i : chosen) {
    const ServerCertificate& own = certificates_[i];
    if (SSL_use_cert_and_key(ssl, own.certificate(), own.key(), own.chain(), 1) != 1) return false;
  }
  return true;
}

// Runs on the first bytes of a stranger, before any ticket is looked at; again on the second hello of a client that was
// asked for another key share.
int CertificateChooser::choose(SSL* ssl, int* alert, void* self) {
  const auto& chooser = *static_cast<const CertificateChooser*>(self);
  const unsigned char* extension = nullptr;
  std::size_t octets = 0;
  std::span<const std::size_t> chosen;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &octets) == 1) {
    chosen = chooser.names_.find(requested_name({extension, octets}));
  }
  if (chooser.show(ssl, chosen.empty() ? std::span<const std::size_t>(chooser.defaults_) : chosen)) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

std::vector<std::string> CertificateChooser::warnings() const {
  std::vector<std::string> out;
  for (const ServerCertificate& own : certificates_) {
    if (auto warning = own.validity_warning(std::time(nullptr))) out.push_back(std::move(*warning));
  }
  return out;
}

}  // namespace net
