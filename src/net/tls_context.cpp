#include "net/tls_context.hpp"

#include "base/ascii.hpp"
#include "base/file_io.hpp"
#include "base/secret.hpp"
#include "net/openssl_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace net {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::size_t kMaxPemOctets = 1024 * 1024;

template <auto kFree>
struct Freeing {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Freeing<&BIO_free>>;
using Certificate = std::unique_ptr<X509, Freeing<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<&EVP_PKEY_free>>;

tl::unexpected<base::Error> option_error(std::string_view option, std::string_view value, std::string_view what) {
  return fail(Errc::invalid, std::string(option) + ": " + std::string(value) + ": " + std::string(what));
}

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  for (;;) {
    const std::size_t comma = list.find(',');
    names.emplace_back(base::ascii::trim(list.substr(0, comma)));
    if (comma == std::string_view::npos) return names;
    list.remove_prefix(comma + 1);
  }
}

Result<std::string> read_pem(std::string_view option, const std::string& file) {
  auto text = base::read_file(file, kMaxPemOctets);
  if (!text)
    return tl::unexpected(
        base::Error(text.error().code, std::string(option) + ": " + text.error().text, text.error().errnum));
  return text;
}

// A server has nobody to ask.
int no_passphrase(char*, int, int, void*) { return -1; }

Bio memory_bio(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// True when the last failure only says that the PEM text has no further object.
bool at_end_of_pem() {
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) == ERR_LIB_PEM) return ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  return ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;  // of private keys
}

Result<void> use_certificate(SSL_CTX* context, const std::string& file) {
  constexpr std::string_view kOption = "tls_server_cert";
  const auto text = read_pem(kOption, file);
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  const Bio bio = memory_bio(*text);
  const Certificate own(bio ? PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!own) return option_error(kOption, file, at_end_of_pem() ? "no certificate in it" : take_openssl_error());
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return option_error(kOption, file, take_openssl_error());
  for (;;) {
    ERR_clear_error();
    Certificate issuer(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!issuer) break;
    if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1) return option_error(kOption, file, take_openssl_error());
    static_cast<void>(issuer.release());  // the context owns it now
  }
  if (!at_end_of_pem()) return option_error(kOption, file, take_openssl_error());
  return {};
}

Result<void> use_key(SSL_CTX* context, const std::string& file, const std::string& certificate_file) {
  constexpr std::string_view kOption = "tls_server_key";
  auto text = read_pem(kOption, file);
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  const Bio bio = memory_bio(*text);
  const Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  base::wipe(*text);
  if (!key) return option_error(kOption, file, at_end_of_pem() ? "no private key in it" : take_openssl_error());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return option_error(kOption, file, "does not belong to the certificate in " + certificate_file);
  }
  return {};
}

Result<void> use_pairs(SSL_CTX* context, const TlsOptions& options) {
  const auto certificates = split_names(options.certificate_file);
  const auto keys = split_names(options.key_file);
  if (certificates.size() != keys.size()) {
    return option_error("tls_server_key", options.key_file, "not as many files as in tls_server_cert");
  }
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    if (const auto done = use_certificate(context, certificates[i]); !done) return done;
    if (const auto done = use_key(context, keys[i], certificates[i]); !done) return done;
  }
  return {};
}

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
                    unsigned int length, void*) {
  static constexpr std::array<unsigned char, 4> kPop3 = {'p', 'o', 'p', '3'};
  unsigned int at = 0;
  while (at < length) {
    const unsigned int size = offered[at];
    if (size > length - at - 1) break;
    if (size == kPop3.size() && std::equal(kPop3.begin(), kPop3.end(), offered + at + 1)) {
      *out = kPop3.data();
      *out_length = static_cast<unsigned char>(kPop3.size());
      return SSL_TLSEXT_ERR_OK;
    }
    at += 1 + size;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::create(const TlsOptions& options) {
  ERR_clear_error();
  std::unique_ptr<TlsContext> result(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* const context = result->native();
  if (context == nullptr) return fail(Errc::io, "TLS: " + take_openssl_error());

  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_SSLv3);
  if (options.prefer_server_ciphers) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  } else {
    SSL_CTX_clear_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  // RELEASE_BUFFERS: an idle session keeps no record buffers. MOVING_WRITE_BUFFER: our output string may be moved by
  // growing between two attempts to send the same octets.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_early_data(context, 0);  // early data can be replayed, and DELE must not be
  // Resumption is by tickets only: a cache would cost memory per client and helps one process of many.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  static constexpr std::array<unsigned char, 4> kSessionContext = {'p', 'o', 'p', '3'};
  SSL_CTX_set_session_id_context(context, kSessionContext.data(), kSessionContext.size());
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);

  if (const auto done = use_versions(context, options.versions); !done) return tl::unexpected(done.error());
  ERR_clear_error();
  if (SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    return option_error("tls_ciphers", options.ciphers, take_openssl_error());
  }
  if (!options.curve.empty() && SSL_CTX_set1_groups_list(context, options.curve.c_str()) != 1) {
    ERR_clear_error();
    return option_error("tls_eccurve", options.curve, "no such group");
  }
  if (const auto done = use_pairs(context, options); !done) return tl::unexpected(done.error());
  return result;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace net
