#include "tools/pillarbox/certificate_check.hpp"

#include "base/ascii.hpp"
#include "base/result.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace tools {
namespace {

using config::Option;
using Level = Finding::Level;

constexpr std::time_t kSoon = 14 * 24 * 3600;

struct CloseFile {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { ::X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

void add(Findings& findings, Level level, std::string text) { findings.push_back(Finding{level, std::move(text)}); }

/// No service can type a passphrase, so none is asked for here.
int no_passphrase(char*, int, int, void*) { return 0; }

File open(const std::string& what, const std::string& path, Findings& findings) {
  File file(std::fopen(path.c_str(), "re"));
  if (!file) add(findings, Level::error, what + ": " + base::system_error("cannot be read", errno).text);
  return file;
}

/// The files of an option: one, or two with a comma between.
std::vector<std::string> files_of(const config::ImapdConf& conf, Option option) {
  std::vector<std::string> files;
  std::string_view text = conf.text(option).value_or("");
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto name = base::ascii::trim(text.substr(0, comma));
    if (!name.empty()) files.emplace_back(name);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return files;
}

void check_dates(const std::string& what, X509* certificate, std::time_t now, Findings& findings) {
  if (::X509_cmp_time(::X509_get0_notBefore(certificate), &now) > 0) {
    add(findings, Level::error, what + ": is not valid yet");
  }
  if (::X509_cmp_time(::X509_get0_notAfter(certificate), &now) < 0) {
    add(findings, Level::error, what + ": has expired");
    return;
  }
  std::time_t soon = now + kSoon;
  if (::X509_cmp_time(::X509_get0_notAfter(certificate), &soon) < 0) {
    add(findings, Level::warning, what + ": expires within two weeks");
  }
}

Certificate check_certificate(const std::string& path, std::time_t now, Findings& findings) {
  const std::string what = "tls_server_cert: " + path;
  const File file = open(what, path, findings);
  if (!file) return {};
  Certificate first;
  for (bool more = true; more;) {
    Certificate certificate(::PEM_read_X509(file.get(), nullptr, &no_passphrase, nullptr));
    more = certificate != nullptr;
    if (!certificate) break;
    check_dates(first ? what + ": a certificate of its chain" : what, certificate.get(), now, findings);
    if (!first) first = std::move(certificate);
  }
  ::ERR_clear_error();
  if (!first) add(findings, Level::error, what + ": no certificate in PEM form");
  return first;
}

Key check_key(const std::string& path, Findings& findings) {
  const std::string what = "tls_server_key: " + path;
  const File file = open(what, path, findings);
  if (!file) return {};
  Key key(::PEM_read_PrivateKey(file.get(), nullptr, &no_passphrase, nullptr));
  ::ERR_clear_error();
  if (!key) add(findings, Level::error, what + ": no key in PEM form, or one with a passphrase");
  struct stat status = {};
  if (::fstat(::fileno(file.get()), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
    add(findings, Level::warning, what + ": everybody may read it");
  }
  return key;
}

void check_readable(std::string_view option, const config::ImapdConf& conf, Option which, Findings& findings) {
  for (const std::string& path : files_of(conf, which)) {
    if (::access(path.c_str(), R_OK) == 0) continue;
    const int errnum = errno;
    add(findings, Level::error, std::string(option) + ": " + base::system_error(path, errnum).text);
  }
}

}  // namespace

void check_certificates(const config::ImapdConf& conf, std::time_t now, Findings& findings) {
  const auto certificates = files_of(conf, Option::tls_server_cert);
  const auto keys = files_of(conf, Option::tls_server_key);
  if (!certificates.empty() && certificates.front() == "disabled") return;
  if (certificates.empty() && keys.empty()) {
    const bool plaintext = conf.is_on(Option::allowplaintext);
    add(findings, plaintext ? Level::note : Level::warning,
        std::string("tls_server_cert: is not set: no TLS") +
            (plaintext ? "" : ", and without allowplaintext nobody can log in with a password"));
    return;
  }
  if (certificates.empty()) return add(findings, Level::error, "tls_server_key: is set, tls_server_cert is not");
  if (keys.size() != certificates.size() && !keys.empty()) {
    add(findings, Level::error,
        "tls_server_key: names " + std::to_string(keys.size()) + " files, tls_server_cert " +
            std::to_string(certificates.size()));
  }
  if (keys.empty()) return add(findings, Level::error, "tls_server_cert: is set, tls_server_key is not");
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const Certificate certificate = check_certificate(certificates[i], now, findings);
    if (i >= keys.size()) continue;
    const Key key = check_key(keys[i], findings);
    if (!certificate) continue;
    if (key && ::X509_check_private_key(certificate.get(), key.get()) != 1) {
      add(findings, Level::error, "tls_server_key: " + keys[i] + ": is not the key of " + certificates[i]);
    }
    ::ERR_clear_error();
    const std::string name(conf.text(Option::servername).value_or(""));
    if (!name.empty() && ::X509_check_host(certificate.get(), name.c_str(), 0, 0, nullptr) != 1) {
      add(findings, Level::note, "tls_server_cert: " + certificates[i] + ": is not for servername " + name);
    }
  }
  check_readable("tls_client_ca_file", conf, Option::tls_client_ca_file, findings);
  check_readable("tls_client_ca_dir", conf, Option::tls_client_ca_dir, findings);
  check_readable("tls_crl_file", conf, Option::tls_crl_file, findings);
}

}  // namespace tools
