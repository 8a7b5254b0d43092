#include "net/pem_file.hpp"

#include "base/file_io.hpp"
#include "base/secret.hpp"
#include "net/openssl_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstddef>

namespace net {
namespace {

using base::Result;

constexpr std::size_t kMaxPemOctets = 1024 * 1024;

Result<std::string> read_pem(std::string_view option, const std::string& file) {
  auto text = base::read_file(file, kMaxPemOctets);
  if (!text)
    return tl::unexpected(
        base::Error(text.error().code, std::string(option) + ": " + text.error().text, text.error().errnum));
  return text;
}

// A server has nobody to ask.
int no_passphrase(char*, int, int, void*) { return -1; }

BioPtr memory_bio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// True when the last failure only says that the PEM text has no further object.
bool at_end_of_pem() {
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) == ERR_LIB_PEM) return ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  return ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;  // of private keys
}

template <class Owner, class Read>
Result<std::vector<Owner>> read_objects(std::string_view option, const std::string& file, Read read,
                                        std::string_view none) {
  const auto text = read_pem(option, file);
  if (!text) return tl::unexpected(text.error());
  const BioPtr bio = memory_bio(*text);
  std::vector<Owner> objects;
  for (;;) {
    ERR_clear_error();
    Owner object(bio ? read(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
    if (!object) break;
    objects.push_back(std::move(object));
  }
  if (!at_end_of_pem()) return option_error(option, file, take_openssl_error());
  ERR_clear_error();
  if (objects.empty()) return option_error(option, file, none);
  return objects;
}

}  // namespace

tl::unexpected<base::Error> option_error(std::string_view option, std::string_view value, std::string_view what) {
  return base::fail(base::Errc::invalid, std::string(option) + ": " + std::string(value) + ": " + std::string(what));
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view option, const std::string& file) {
  return read_objects<X509Ptr>(option, file, PEM_read_bio_X509_AUX, "no certificate in it");
}

Result<std::vector<CrlPtr>> read_revocation_lists(std::string_view option, const std::string& file) {
  return read_objects<CrlPtr>(option, file, PEM_read_bio_X509_CRL, "no revocation list in it");
}

Result<KeyPtr> read_private_key(std::string_view option, const std::string& file) {
  auto text = read_pem(option, file);
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  const BioPtr bio = memory_bio(*text);
  KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  base::wipe(*text);
  if (!key) return option_error(option, file, at_end_of_pem() ? "no private key in it" : take_openssl_error());
  return key;
}

}  // namespace net
