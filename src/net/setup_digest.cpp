#include "net/setup_digest.hpp"

#include "base/check.hpp"

#include <array>
#include <cstdint>

namespace net {

SetupDigest::SetupDigest() : state_(EVP_MD_CTX_new()) {
  CHECK(state_ && EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr) == 1);
}

void SetupDigest::add(std::string_view part) {
  const std::uint64_t size = part.size();
  CHECK(EVP_DigestUpdate(state_.get(), &size, sizeof(size)) == 1);
  CHECK(EVP_DigestUpdate(state_.get(), part.data(), part.size()) == 1);
}

void SetupDigest::add(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  CHECK(X509_digest(certificate, EVP_sha256(), octets.data(), &size) == 1);
  add(std::string_view(reinterpret_cast<const char*>(octets.data()), size));
}

void SetupDigest::add(const X509_CRL* list) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  CHECK(X509_CRL_digest(list, EVP_sha256(), octets.data(), &size) == 1);
  add(std::string_view(reinterpret_cast<const char*>(octets.data()), size));
}

std::string SetupDigest::value() const {
  const DigestPtr copy(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  CHECK(copy && EVP_MD_CTX_copy_ex(copy.get(), state_.get()) == 1);
  CHECK(EVP_DigestFinal_ex(copy.get(), octets.data(), &size) == 1);
  return std::string(octets.begin(), octets.begin() + size);
}

}  // namespace net
