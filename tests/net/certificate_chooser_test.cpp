#include "net/certificate_chooser.hpp"

#include "net_support.hpp"
#include "test_authority.hpp"
#include "tls_session.hpp"

#include <openssl/x509.h>

#include <array>
#include <stdexcept>

namespace net {
namespace {

using testing::CertificateRequest;
using testing::IssuedFiles;
using testing::serve_one;
using testing::TestAuthority;
using testing::TlsClient;

CertificateRequest for_names(const std::vector<std::string>& names, bool rsa = false) {
  CertificateRequest out(names.front());
  out.dns_names = names;
  out.rsa = rsa;
  return out;
}

std::string shown_name(TlsClient& tls) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(tls.ssl()), &X509_free);
  if (!certificate) return "none";
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(), name.size());
  return name.data();
}

class CertificateChooserTest : public ::testing::Test {
 protected:
  void show_by_default(const IssuedFiles& files) {
    options.certificate_file += (options.certificate_file.empty() ? "" : ",") + files.certificate;
    options.key_file += (options.key_file.empty() ? "" : ",") + files.key;
  }
  void show_by_name(const IssuedFiles& files) {
    options.named_certificates +=
        (options.named_certificates.empty() ? "" : ", ") + files.certificate + " " + files.key;
  }
  std::unique_ptr<TlsContext> context() const {
    auto made = TlsContext::create(options);
    if (!made) throw std::runtime_error(made.error().text);
    return std::move(*made);
  }
  // Whose certificate a client sees that asks for `name` ("": for none), and takes only these signatures.
  std::string shown(const TlsContext& context, const std::string& name, const char* signatures = nullptr,
                    int version = 0) const {
    std::string result = "nothing";
    const auto session = serve_one(
        context,
        [&](TlsClient& tls) {
          if (!name.empty()) tls.ask_for(name);
          // What SSL_set1_sigalgs_list() is a macro for.
          if (signatures != nullptr) SSL_ctrl(tls.ssl(), SSL_CTRL_SET_SIGALGS_LIST, 0, const_cast<char*>(signatures));
        },
        [&](TlsClient& tls) { result = shown_name(tls); }, version);
    return result;
  }

  TestAuthority authority;
  TlsOptions options;
};

TEST_F(CertificateChooserTest, ShowsTheCertificateOfTheNameAskedFor) {
  show_by_default(authority.issue("default", for_names({"mail.example.org"})));
  show_by_name(authority.issue("net", for_names({"mail.example.net", "pop.example.net"})));
  show_by_name(authority.issue("wild", for_names({"*.example.com"})));
  const auto made = context();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(shown(*made, "mail.example.net", nullptr, version), "mail.example.net");
    EXPECT_EQ(shown(*made, "POP.EXAMPLE.NET", nullptr, version), "mail.example.net");
    EXPECT_EQ(shown(*made, "x.example.com", nullptr, version), "*.example.com");
    EXPECT_EQ(shown(*made, "mail.example.org", nullptr, version), "mail.example.org");
    EXPECT_EQ(shown(*made, "", nullptr, version), "mail.example.org");
    EXPECT_EQ(shown(*made, "unknown.example", nullptr, version), "mail.example.org");
    EXPECT_EQ(shown(*made, "a.b.example.com", nullptr, version), "mail.example.org");
  }
}

TEST_F(CertificateChooserTest, ShowsTheDefaultForItsOwnNameBeforeTheWildcardOfAnother) {
  show_by_default(authority.issue("default", for_names({"mail.example.org"})));
  show_by_name(authority.issue("wild", for_names({"*.example.org"})));
  const auto made = context();
  EXPECT_EQ(shown(*made, "mail.example.org"), "mail.example.org");
  EXPECT_EQ(shown(*made, "pop.example.org"), "*.example.org");
}

TEST_F(CertificateChooserTest, ServesRsaAndEcdsaClientsOfEachName) {
  show_by_default(authority.issue("default-rsa", for_names({"rsa.default"}, true)));
  show_by_default(authority.issue("default-ec", for_names({"ec.default"})));
  CertificateRequest rsa("rsa.named");
  rsa.dns_names = {"mail.example.net"};
  rsa.rsa = true;
  CertificateRequest ec("ec.named");
  ec.dns_names = {"mail.example.net"};
  show_by_name(authority.issue("rsa", rsa));
  show_by_name(authority.issue("ec", ec));
  const auto made = context();
  constexpr const char* kRsa = "RSA-PSS+SHA256:RSA+SHA256";
  constexpr const char* kEc = "ECDSA+SHA256";
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(shown(*made, "", kRsa, version), "rsa.default");
    EXPECT_EQ(shown(*made, "", kEc, version), "ec.default");
    EXPECT_EQ(shown(*made, "mail.example.net", kRsa, version), "rsa.named");
    EXPECT_EQ(shown(*made, "mail.example.net", kEc, version), "ec.named");
  }
}

TEST_F(CertificateChooserTest, LooksAtTheNameAgainWhenAnotherKeyShareIsAskedFor) {  // RFC 8446 s4.1.4
  show_by_default(authority.issue("default", for_names({"mail.example.org"})));
  show_by_name(authority.issue("net", for_names({"mail.example.net"})));
  options.curve = "P-384";
  const auto made = context();
  std::string seen;
  const auto session = serve_one(
      *made,
      [](TlsClient& tls) {
        tls.ask_for("mail.example.net");
        SSL_ctrl(tls.ssl(), SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>("X25519:P-384"));
      },
      [&](TlsClient& tls) { seen = shown_name(tls); });
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(seen, "mail.example.net");
}

TEST_F(CertificateChooserTest, TakesTheLongestAndTheOddestNames) {
  show_by_default(authority.issue("default", for_names({"mail.example.org"})));
  show_by_name(authority.issue("net", for_names({"mail.example.net"})));
  const auto made = context();
  for (const std::string& name : {std::string(255, 'a'), std::string("b\xc3\xbc") + "cher.example", std::string("%s%n"),
                                  std::string("*.example.net"), std::string("mail.example.net\r\nX")}) {
    EXPECT_EQ(shown(*made, name), "mail.example.org") << name;
  }
}

TEST_F(CertificateChooserTest, RefusesAListThatNamesNoPairs) {
  show_by_default(authority.issue("default", for_names({"mail.example.org"})));
  const auto error = [this](const std::string& list) {
    options.named_certificates = list;
    const auto made = TlsContext::create(options);
    return made ? "none" : made.error().text;
  };
  EXPECT_EQ(error("one.pem"), "tls_sni_certs: one.pem: must be a certificate's file, a blank and its key's file");
  EXPECT_EQ(error("a b c"), "tls_sni_certs: a b c: must be a certificate's file, a blank and its key's file");
  EXPECT_EQ(error("/nonexistent/a /nonexistent/b"), "tls_sni_certs: /nonexistent/a: No such file or directory");
  std::string many;
  for (std::size_t i = 0; i <= kMaxNamedCertificates; ++i) many += "a b,";
  EXPECT_EQ(error(many), "tls_sni_certs: a b: too many certificates");
  EXPECT_EQ(error(" , "), "none");
}

TEST_F(CertificateChooserTest, WarnsOfACertificateThatIsOverOrSoonWillBe) {
  CertificateRequest over = for_names({"over.example"});
  over.begins = -7200;
  over.ends = -3600;
  CertificateRequest soon = for_names({"soon.example"});
  soon.ends = 86400;
  CertificateRequest later = for_names({"later.example"});
  later.begins = 3600;
  const auto files = {authority.issue("over", over), authority.issue("soon", soon), authority.issue("later", later),
                      authority.issue("good", for_names({"good.example"}))};
  show_by_default(*files.begin());
  for (auto file = files.begin() + 1; file != files.end(); ++file) show_by_name(*file);
  const std::string folder = authority.folder.string() + "/";
  EXPECT_EQ(context()->warnings(),
            (std::vector<std::string>{folder + "over.pem: the certificate has expired",
                                      folder + "soon.pem: the certificate expires within two weeks",
                                      folder + "later.pem: the certificate is not valid yet"}));
}

}  // namespace
}  // namespace net
