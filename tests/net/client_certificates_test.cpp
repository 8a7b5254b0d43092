#include "net/client_certificates.hpp"

#include "net/pem_file.hpp"
#include "net_support.hpp"
#include "test_authority.hpp"
#include "tls_session.hpp"

#include <filesystem>
#include <fstream>

namespace net {
namespace {

using testing::CertificateRequest;
using testing::IssuedFiles;
using testing::serve_one;
using testing::TestAuthority;
using testing::TlsClient;
using testing::TlsSession;

class ClientCertificatesTest : public ::testing::Test {
 protected:
  ClientCertificatesTest() {
    options = files.options();
    options.client_certificates = ClientCertificates::optional;
    options.client_ca_file = authority.certificate;
  }

  TlsSession connect(const IssuedFiles& shown, int version = 0) const {
    const auto context = TlsContext::create(options);
    if (!context) throw std::runtime_error(context.error().text);
    return serve_one(
        **context, [&](TlsClient& tls) { EXPECT_TRUE(tls.show_certificate(shown.certificate, shown.key)); }, {},
        version);
  }
  TlsSession connect_without() const {
    const auto context = TlsContext::create(options);
    if (!context) throw std::runtime_error(context.error().text);
    return serve_one(**context);
  }
  ClientIdentity identity(const CertificateRequest& request) {
    const auto issued = authority.issue("someone", request);
    const auto read = read_certificates("test", issued.certificate);
    return client_identity(read->front().get());
  }

  testing::KeyFiles files;
  TestAuthority authority;
  TlsOptions options;
};

TEST_F(ClientCertificatesTest, GivesTheCommonNameOfAVerifiedCertificateInBothVersions) {
  const auto alice = authority.issue("alice", CertificateRequest("alice"));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsSession session = connect(alice, version);
    ASSERT_TRUE(session.info) << session.error;
    EXPECT_TRUE(session.answered);
    EXPECT_EQ(session.info->client_name, "alice");
    EXPECT_EQ(session.info->client_problem, "");
  }
}

TEST_F(ClientCertificatesTest, LetsAClientWithoutOneInUnlessItIsRequired) {
  TlsSession session = connect_without();
  ASSERT_TRUE(session.info);
  EXPECT_EQ(session.info->client_name, "");
  options.client_certificates = ClientCertificates::require;
  session = connect_without();
  EXPECT_FALSE(session.info);
  EXPECT_EQ(session.error, "peer did not return a certificate");
}

TEST_F(ClientCertificatesTest, AsksNobodyWhenOffOrWithoutAnAuthority) {
  const auto alice = authority.issue("alice", CertificateRequest("alice"));
  options.client_ca_file.clear();
  TlsSession session = connect(alice);
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(session.info->client_name, "");
  options.client_ca_file = authority.certificate;
  options.client_certificates = ClientCertificates::off;
  session = connect(alice);
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(session.info->client_name, "");
}

TEST_F(ClientCertificatesTest, EndsTheHandshakeOfACertificateThatDoesNotVerify) {
  TestAuthority stranger("a stranger");
  CertificateRequest expired("alice");
  expired.begins = -7200;
  expired.ends = -3600;
  CertificateRequest later("alice");
  later.begins = 3600;
  CertificateRequest for_servers("alice");
  for_servers.purpose = "serverAuth";
  struct Case {
    IssuedFiles shown;
    const char* why;
  };
  for (const Case& c :
       {Case{stranger.issue("alice", CertificateRequest("alice")), "unable to get local issuer certificate"},
        Case{authority.issue("old", expired), "certificate has expired"},
        Case{authority.issue("later", later), "certificate is not yet valid"},
        Case{authority.issue("server", for_servers), "unsuitable certificate purpose"}}) {
    const TlsSession session = connect(c.shown);
    EXPECT_FALSE(session.info) << c.why;
    EXPECT_FALSE(session.answered);
    EXPECT_EQ(session.error, std::string("certificate verify failed (") + c.why + ")");
  }
}

TEST_F(ClientCertificatesTest, RefusesARevokedCertificateAndTakesItsSibling) {
  const auto revoked = authority.issue("revoked", CertificateRequest("mallory"));
  const auto good = authority.issue("good", CertificateRequest("alice"));
  options.crl_file = authority.write_revocation_list({1});
  EXPECT_EQ(connect(revoked).error, "certificate verify failed (certificate revoked)");
  const TlsSession session = connect(good);
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(session.info->client_name, "alice");
}

TEST_F(ClientCertificatesTest, WantsAListOfTheIssuerOnceThereIsOne) {
  TestAuthority other("another authority");
  const auto alice = authority.issue("alice", CertificateRequest("alice"));
  options.crl_file = other.write_revocation_list({});
  EXPECT_EQ(connect(alice).error, "certificate verify failed (unable to get certificate CRL)");
}

TEST_F(ClientCertificatesTest, FindsAuthoritiesInADirectoryOfHashedNames) {
  const auto alice = authority.issue("alice", CertificateRequest("alice"));
  options.client_ca_file.clear();
  options.client_ca_dir = authority.hashed_directory();
  std::ofstream(std::filesystem::path(options.client_ca_dir) / "README") << "not a certificate";
  const TlsSession session = connect(alice);
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(session.info->client_name, "alice");
}

TEST_F(ClientCertificatesTest, NamesOptionAndFileOfWhatCannotBeUsed) {
  const auto error = [this] {
    const auto context = TlsContext::create(options);
    return context ? "none" : context.error().text;
  };
  options.client_ca_file = files.key;
  EXPECT_EQ(error(), "tls_client_ca_file: " + files.key + ": no certificate in it");
  options.client_ca_file = authority.certificate;
  options.crl_file = files.certificate;
  EXPECT_EQ(error(), "tls_crl_file: " + files.certificate + ": no revocation list in it");
  options.crl_file.clear();
  options.client_ca_dir = "/nonexistent/ca";
  EXPECT_EQ(error(), "tls_client_ca_dir: /nonexistent/ca: No such file or directory");
  options.client_ca_dir.clear();
  options.client_ca_file.clear();
  options.client_certificates = ClientCertificates::require;
  EXPECT_EQ(error(), "tls_client_certs: require: needs tls_client_ca_file or tls_client_ca_dir");
}

TEST_F(ClientCertificatesTest, TakesAPlainCommonNameForAnIdentity) {
  for (const char* const name : {"alice", "alice@example.org", "Alice B. Toklas", "o=x"}) {
    EXPECT_EQ(identity(CertificateRequest(name)).name, name);
  }
}

TEST_F(ClientCertificatesTest, TakesNoNameThatCouldMeanAnotherOne) {
  using namespace std::string_literals;
  for (const std::string& name : {"alice\0.evil"s, "\0"s, "alice\r\nX"s, "alice\x7f"s, "\xc3\xa4lice"s,
                                  "*.example.org"s, "*"s, " alice"s, "alice "s, "a\tb"s}) {
    const ClientIdentity found = identity(CertificateRequest(name));
    EXPECT_EQ(found.name, "");
    EXPECT_EQ(found.problem, "its CN has characters that no user name has") << name;
  }
  EXPECT_EQ(identity(CertificateRequest()).problem, "its subject has no CN");
  CertificateRequest two("alice");
  two.common_names.emplace_back("bob");
  EXPECT_EQ(identity(two).problem, "its subject has several CNs");
}

TEST_F(ClientCertificatesTest, KeepsAnUnusableNameApartFromTheConnection) {
  const auto odd = authority.issue("odd", CertificateRequest("*.example.org"));
  const TlsSession session = connect(odd);
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(session.info->client_name, "");
  EXPECT_EQ(session.info->client_problem, "its CN has characters that no user name has");
}

}  // namespace
}  // namespace net
