#include "server/tls_options.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace server {
namespace {

config::ImapdConf conf(const std::string& text, const std::string& service = "pop3") {
  const auto none = [](const std::string& path) -> base::Result<std::string> {
    return base::fail(base::Errc::not_found, path);
  };
  auto parsed = config::ImapdConf::parse("test", "configdirectory: /var/lib/cyrus\n" + text, service, none,
                                         config::Partitions::optional);
  if (!parsed) throw std::runtime_error(parsed.error().text);
  return std::move(*parsed);
}

TEST(TlsOptions, HaveSaferDefaultsThanCyrusAndObeyTheFile) {
  const net::TlsOptions unset = tls_options(conf(""), "pop3");
  EXPECT_EQ(unset.versions, "tls1_2 tls1_3");
  EXPECT_EQ(unset.curve, "X25519:prime256v1");
  EXPECT_EQ(unset.protocol, "pop3");
  EXPECT_EQ(unset.client_certificates, net::ClientCertificates::optional);
  EXPECT_EQ(unset.session_lifetime, std::chrono::hours(24));
  EXPECT_EQ(unset.watch_interval, std::chrono::seconds(10));
  const net::TlsOptions set = tls_options(
      conf("tls_versions: tls1_0 tls1_2\ntls_eccurve: prime256v1\ntls_client_certs: require\ntls_session_timeout: 30\n"
           "tls_prefer_server_ciphers: yes\ntls_ciphers: HIGH\ntls_client_ca_file: /ca\ntls_client_ca_dir: /cas\n"
           "tls_crl_file: /crl\ntls_sni_certs: /a /b, /c /d\ntls_watch_interval: 0\n"),
      "");
  EXPECT_EQ(set.versions, "tls1_0 tls1_2");
  EXPECT_EQ(set.curve, "prime256v1");
  EXPECT_EQ(set.client_certificates, net::ClientCertificates::require);
  EXPECT_EQ(set.session_lifetime, std::chrono::minutes(30));  // a bare number counts minutes
  EXPECT_TRUE(set.prefer_server_ciphers);
  EXPECT_EQ(set.ciphers, "HIGH");
  EXPECT_EQ(set.client_ca_file, "/ca");
  EXPECT_EQ(set.client_ca_dir, "/cas");
  EXPECT_EQ(set.crl_file, "/crl");
  EXPECT_EQ(set.named_certificates, "/a /b, /c /d");
  EXPECT_EQ(set.watch_interval.count(), 0);
  EXPECT_EQ(set.protocol, "");
}

TEST(TlsOptions, TakeTheOldNamesAndThoseOfTheService) {
  const net::TlsOptions options = tls_options(
      conf("tls_cert_file: /old.pem\ntls_key_file: /old.key\ntls_ca_file: /old.ca\npop3s_tls_key_file: /s.key\n",
           "pop3s"),
      "pop3");
  EXPECT_EQ(options.certificate_file, "/old.pem");
  EXPECT_EQ(options.key_file, "/s.key");
  EXPECT_EQ(options.client_ca_file, "/old.ca");
}

TEST(TlsOptions, GiveEachServiceAFileOfTicketKeysWhateverItsName) {
  EXPECT_EQ(tls_options(conf(""), "pop3").ticket_key_file, "/var/lib/cyrus/pillarbox/tls_tickets.pop3");
  EXPECT_EQ(tls_options(conf("", "../x y"), "pop3").ticket_key_file, "/var/lib/cyrus/pillarbox/tls_tickets.___x_y");
}

TEST(TlsOptions, AreConfiguredWithBothFilesUnlessDisabled) {
  EXPECT_FALSE(tls_is_configured(conf("")));
  EXPECT_FALSE(tls_is_configured(conf("tls_server_cert: /a\n")));
  EXPECT_FALSE(tls_is_configured(conf("tls_server_cert: /a\ntls_server_key: disabled\n")));
  EXPECT_TRUE(tls_is_configured(conf("tls_server_cert: /a\ntls_server_key: /b\n")));
  const base::Log log([](base::Severity, std::string_view) {});
  EXPECT_EQ(tls_source(conf(""), "pop3", log), nullptr);
}

}  // namespace
}  // namespace server
