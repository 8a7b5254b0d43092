#include "net/certificate_files.hpp"

#include "base/ascii.hpp"
#include "net/pem_file.hpp"

#include <string_view>
#include <utility>

namespace net {
namespace {

using base::Result;

std::vector<std::string_view> split_at_commas(std::string_view list) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t comma = list.find(',');
    parts.push_back(base::ascii::trim(list.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<std::vector<CertificateFiles>> default_certificate_files(const TlsOptions& options) {
  const auto certificates = split_at_commas(options.certificate_file);
  const auto keys = split_at_commas(options.key_file);
  if (certificates.size() != keys.size()) {
    return option_error("tls_server_key", options.key_file, "not as many files as in tls_server_cert");
  }
  std::vector<CertificateFiles> out;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    CertificateFiles files;
    files.certificate = certificates[i];
    files.key = keys[i];
    out.push_back(std::move(files));
  }
  return out;
}

Result<std::vector<CertificateFiles>> named_certificate_files(const TlsOptions& options) {
  constexpr const char* kOption = "tls_sni_certs";
  std::vector<CertificateFiles> out;
  for (const std::string_view pair : split_at_commas(options.named_certificates)) {
    if (pair.empty()) continue;
    const std::size_t blank = pair.find_first_of(" \t");
    const std::string_view key = blank == std::string_view::npos ? "" : base::ascii::trim(pair.substr(blank));
    if (key.empty() || key.find_first_of(" \t") != std::string_view::npos) {
      return option_error(kOption, pair, "must be a certificate's file, a blank and its key's file");
    }
    if (out.size() == kMaxNamedCertificates) return option_error(kOption, pair, "too many certificates");
    CertificateFiles files;
    files.certificate = pair.substr(0, blank);
    files.key = key;
    files.certificate_option = kOption;
    files.key_option = kOption;
    out.push_back(std::move(files));
  }
  return out;
}

}  // namespace net
