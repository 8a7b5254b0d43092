#include "net/client_certificates.hpp"

#include "base/ascii.hpp"
#include "net/openssl_error.hpp"
#include "net/pem_file.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace net {
namespace {

using base::Errc;
using base::fail;
using base::Result;

/// Cyrus: the depth at which its own verification gives up.
constexpr int kMaxDepth = 5;
/// Files of a directory of authorities that are read; a directory with more is an error.
constexpr std::size_t kMaxAuthorityFiles = 1000;
/// As long as a user name may be.
constexpr std::size_t kMaxNameOctets = 80;

// `openssl rehash`: eight hex digits, a dot, `r` for a revocation list, a number.
bool is_hash_name(std::string_view name, bool& is_list) {
  const auto is_hex = [](char c) { return base::ascii::is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (name.size() < 10 || name[8] != '.' || !std::all_of(name.begin(), name.begin() + 8, is_hex)) return false;
  name.remove_prefix(9);
  is_list = name.front() == 'r';
  if (is_list) name.remove_prefix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), base::ascii::is_digit);
}

class Authorities {
 public:
  Authorities(SSL_CTX* context, SetupDigest& digest) : context_(context), digest_(digest) {}

  Result<void> add_file(const char* option, const std::string& file) {
    const auto certificates = read_certificates(option, file);
    if (!certificates) return tl::unexpected(certificates.error());
    for (const X509Ptr& certificate : *certificates) {
      ERR_clear_error();
      // The names of authorities go to the client, which picks its certificate by them.
      if (X509_STORE_add_cert(store(), certificate.get()) != 1 ||
          SSL_CTX_add_client_CA(context_, certificate.get()) != 1) {
        return option_error(option, file, take_openssl_error());
      }
      digest_.add(certificate.get());
    }
    return {};
  }

  Result<void> add_lists(const char* option, const std::string& file) {
    const auto lists = read_revocation_lists(option, file);
    if (!lists) return tl::unexpected(lists.error());
    for (const CrlPtr& list : *lists) {
      ERR_clear_error();
      if (X509_STORE_add_crl(store(), list.get()) != 1) return option_error(option, file, take_openssl_error());
      digest_.add(list.get());
    }
    return {};
  }

  Result<void> add_directory(const char* option, const std::string& directory) {
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (auto at = std::filesystem::directory_iterator(directory, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      bool is_list = false;
      if (!is_hash_name(at->path().filename().native(), is_list)) continue;
      if (files.size() == kMaxAuthorityFiles) return option_error(option, directory, "too many files");
      files.push_back(at->path());
    }
    if (error) return option_error(option, directory, error.message());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      bool is_list = false;
      is_hash_name(file.filename().native(), is_list);
      // Lists count once tls_crl_file asks for them, as in Cyrus.
      const auto done = is_list ? add_lists(option, file) : add_file(option, file);
      if (!done) return done;
    }
    return {};
  }

  X509_STORE* store() const { return SSL_CTX_get_cert_store(context_); }

 private:
  SSL_CTX* context_;
  SetupDigest& digest_;
};

// The client's own certificate needs a list of its issuer. An authority above that has published none is not held
// against it; one that has is asked.
int tolerate_missing_lists_above(int good, X509_STORE_CTX* verification) {
  if (good == 1) return 1;
  if (X509_STORE_CTX_get_error(verification) != X509_V_ERR_UNABLE_TO_GET_CRL) return 0;
  if (X509_STORE_CTX_get_error_depth(verification) == 0) return 0;
  X509_STORE_CTX_set_error(verification, X509_V_OK);
  return 1;
}

ClientIdentity unusable(std::string problem) {
  ClientIdentity out;
  out.problem = std::move(problem);
  return out;
}

}  // namespace

Result<void> ask_for_client_certificates(SSL_CTX* context, const TlsOptions& options, SetupDigest& digest) {
  const bool has_authority = !options.client_ca_file.empty() || !options.client_ca_dir.empty();
  digest.add(std::to_string(static_cast<int>(options.client_certificates)));
  if (options.client_certificates == ClientCertificates::off) return {};
  const bool required = options.client_certificates == ClientCertificates::require;
  if (!has_authority) {
    if (!required) return {};
    return option_error("tls_client_certs", "require", "needs tls_client_ca_file or tls_client_ca_dir");
  }
  Authorities authorities(context, digest);
  if (!options.client_ca_file.empty()) {
    if (const auto done = authorities.add_file("tls_client_ca_file", options.client_ca_file); !done) return done;
  }
  if (!options.client_ca_dir.empty()) {
    if (const auto done = authorities.add_directory("tls_client_ca_dir", options.client_ca_dir); !done) return done;
  }
  if (!options.crl_file.empty()) {
    if (const auto done = authorities.add_lists("tls_crl_file", options.crl_file); !done) return done;
    if (X509_STORE_set_flags(authorities.store(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1) {
      return fail(Errc::io, "TLS: " + take_openssl_error());
    }
  }
  SSL_CTX_set_verify_depth(context, kMaxDepth);
  SSL_CTX_set_verify(context,
                     SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     tolerate_missing_lists_above);
  return {};
}

ClientIdentity client_identity(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return unusable("its subject has no CN");
  if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return unusable("its subject has several CNs");
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  ERR_clear_error();
  if (size < 0) return unusable("its CN is no text");
  std::string name(utf8, utf8 + size);
  OPENSSL_free(utf8);
  if (name.empty() || name.size() > kMaxNameOctets) return unusable("its CN is empty or too long");
  const auto is_odd = [](char c) { return c < 0x20 || c > 0x7e || c == '*'; };
  if (std::any_of(name.begin(), name.end(), is_odd) || name.front() == ' ' || name.back() == ' ') {
    return unusable("its CN has characters that no user name has");
  }
  ClientIdentity out;
  out.name = std::move(name);
  return out;
}

}  // namespace net
