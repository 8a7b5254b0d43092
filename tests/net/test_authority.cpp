#include "test_authority.hpp"

#include "net/openssl_ptr.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace net::testing {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("test authority: ") + what);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open_for_writing(const std::string& path) {
  File file(std::fopen(path.c_str(), "w"));
  check(file != nullptr, "fopen");
  return file;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  check(extension != nullptr, "extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_common_name(X509_NAME* subject, const std::string& name) {
  check(X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
                                   reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()),
                                   -1, 0) == 1,
        "common name");
}

X509Ptr new_certificate(EVP_PKEY* key, long number, long begins, long ends) {
  X509Ptr out(X509_new());
  check(out != nullptr, "X509_new");
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), number);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), begins);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), ends);
  X509_set_pubkey(out.get(), key);
  return out;
}

}  // namespace

struct TestAuthority::State {
  KeyPtr key{EVP_EC_gen("P-256")};
  X509Ptr certificate;
  long issued = 0;
};

TestAuthority::TestAuthority(const std::string& name) : state_(std::make_unique<State>()) {
  std::string path = (std::filesystem::temp_directory_path() / "pillarbox-ca-XXXXXX").string();
  check(::mkdtemp(path.data()) != nullptr, "mkdtemp");
  folder = path;
  certificate = folder / "authority.pem";
  state_->certificate = new_certificate(state_->key.get(), 1000, -3600, 365L * 86400);
  X509* const own = state_->certificate.get();
  add_common_name(X509_get_subject_name(own), name);
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add_extension(own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, NID_key_usage, "critical,keyCertSign,cRLSign");
  check(X509_sign(own, state_->key.get(), EVP_sha256()) > 0, "sign");
  check(PEM_write_X509(open_for_writing(certificate).get(), own) == 1, "write");
}

TestAuthority::~TestAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

IssuedFiles TestAuthority::issue(const std::string& name, const CertificateRequest& request) {
  const KeyPtr key(request.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const X509Ptr leaf = new_certificate(key.get(), ++state_->issued, request.begins, request.ends);
  for (const std::string& common_name : request.common_names) {
    add_common_name(X509_get_subject_name(leaf.get()), common_name);
  }
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(state_->certificate.get()));
  std::string names;
  for (const std::string& dns : request.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + dns;
  if (!names.empty()) add_extension(leaf.get(), NID_subject_alt_name, names);
  if (!request.purpose.empty()) add_extension(leaf.get(), NID_ext_key_usage, request.purpose);
  check(X509_sign(leaf.get(), state_->key.get(), EVP_sha256()) > 0, "sign");
  IssuedFiles files{folder / (name + ".pem"), folder / (name + ".key")};
  check(PEM_write_X509(open_for_writing(files.certificate).get(), leaf.get()) == 1, "write");
  check(PEM_write_PrivateKey(open_for_writing(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "write");
  return files;
}

std::string TestAuthority::write_revocation_list(const std::vector<long>& numbers) {
  const CrlPtr list(X509_CRL_new());
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(state_->certificate.get()));
  ASN1_TIME* const now = X509_gmtime_adj(nullptr, -60);
  ASN1_TIME* const tomorrow = X509_gmtime_adj(nullptr, 86400);
  X509_CRL_set1_lastUpdate(list.get(), now);
  X509_CRL_set1_nextUpdate(list.get(), tomorrow);
  for (const long number : numbers) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    ASN1_INTEGER* const serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, number);
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, now);
    X509_CRL_add0_revoked(list.get(), entry);
    ASN1_INTEGER_free(serial);
  }
  ASN1_TIME_free(now);
  ASN1_TIME_free(tomorrow);
  check(X509_CRL_sign(list.get(), state_->key.get(), EVP_sha256()) > 0, "sign");
  std::string path = folder / "list.crl";
  check(PEM_write_X509_CRL(open_for_writing(path).get(), list.get()) == 1, "write");
  return path;
}

std::string TestAuthority::hashed_directory() const {
  const std::filesystem::path directory = folder / "hashed";
  std::filesystem::create_directory(directory);
  char name[16];
  std::snprintf(name, sizeof(name), "%08lx.0", X509_subject_name_hash(state_->certificate.get()));
  std::filesystem::copy_file(certificate, directory / name, std::filesystem::copy_options::overwrite_existing);
  return directory;
}

}  // namespace net::testing
