#include "base/sha1.hpp"

#include "base/check.hpp"

#include <openssl/evp.h>

namespace base {

// libcrypto fails here only when memory is exhausted or SHA-1 has been configured away: neither can be lived with.

void Sha1::FreeContext::operator()(void* context) const noexcept { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); }

Sha1::Sha1() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_.get()), EVP_sha1(), nullptr) == 1);
}

void Sha1::add(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), bytes.size()) == 1);
}

Sha1Digest Sha1::finish() {
  Sha1Digest digest{};
  CHECK(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), digest.data(), nullptr) == 1);
  return digest;
}

Sha1Digest sha1(std::string_view bytes) {
  Sha1 sum;
  sum.add(bytes);
  return sum.finish();
}

std::string hex(const Sha1Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace base
