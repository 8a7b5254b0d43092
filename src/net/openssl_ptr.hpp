#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

/// Owners of OpenSSL's objects, for the sources of net/.
namespace net {

template <auto kFree>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

inline void free_certificates(STACK_OF(X509) * stack) noexcept { sk_X509_pop_free(stack, X509_free); }

using BioPtr = std::unique_ptr<BIO, OpensslFree<&BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<&X509_free>>;
using X509Stack = std::unique_ptr<STACK_OF(X509), OpensslFree<&free_certificates>>;
using CrlPtr = std::unique_ptr<X509_CRL, OpensslFree<&X509_CRL_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<&EVP_PKEY_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<&EVP_MD_CTX_free>>;

}  // namespace net
