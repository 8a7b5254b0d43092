#include "net/tls_source.hpp"

#include "net_support.hpp"
#include "test_authority.hpp"
#include "tls_session.hpp"

#include <array>
#include <filesystem>
#include <fstream>

namespace net {
namespace {

using testing::CertificateRequest;
using testing::IssuedFiles;
using testing::serve_one;
using testing::TestAuthority;
using testing::TlsClient;
namespace fs = std::filesystem;

Task<void> look_once(TlsSource& source, WorkerPool& pool, bool& done) {
  co_await source.look(pool);
  done = true;
}

class TlsSourceTest : public ::testing::Test {
 protected:
  TlsSourceTest() {
    const IssuedFiles first = authority.issue("first", CertificateRequest("first.example"));
    options.certificate_file = authority.folder / "cert.pem";
    options.key_file = authority.folder / "key.pem";
    install(first);
  }

  void install(const IssuedFiles& files) const {
    install_certificate(files);
    install_key(files);
  }
  void install_certificate(const IssuedFiles& files) const { replace(files.certificate, options.certificate_file); }
  void install_key(const IssuedFiles& files) const { replace(files.key, options.key_file); }
  // As a tool that renews certificates does: a new file, renamed.
  void replace(const fs::path& from, const fs::path& to) const {
    fs::copy_file(from, to.string() + ".new");
    fs::rename(to.string() + ".new", to);
  }
  std::shared_ptr<TlsSource> source() { return TlsSource::create(options, log); }
  void look(TlsSource& from) {
    Loop loop;
    WorkerPool pool(loop, 1, "test");
    bool done = false;
    testing::spawn(loop, look_once(from, pool, done));
    while (!done) loop.run_one_for(std::chrono::seconds(1));
  }
  static std::string shown(const TlsSource& from) {
    std::array<char, 256> name{};
    const auto context = from.context();
    serve_one(*context, {}, [&](TlsClient& tls) {
      X509* const certificate = SSL_get1_peer_certificate(tls.ssl());
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
      X509_free(certificate);
    });
    return name.data();
  }

  TestAuthority authority;
  TlsOptions options;
  std::vector<std::string> lines;
  base::Log log{[this](base::Severity, std::string_view line) { lines.emplace_back(line); }};
};

TEST_F(TlsSourceTest, TakesNewFilesOnceTheyStandStill) {
  const auto tls = source();
  look(*tls);
  EXPECT_EQ(shown(*tls), "first.example");
  install(authority.issue("second", CertificateRequest("second.example")));
  look(*tls);
  EXPECT_EQ(shown(*tls), "first.example");
  look(*tls);
  EXPECT_EQ(shown(*tls), "second.example");
  look(*tls);
  EXPECT_EQ(lines, std::vector<std::string>{"TLS: changed files taken for new handshakes"});
}

TEST_F(TlsSourceTest, SaysNothingWhileTheKeyIsStillToCome) {
  const auto tls = source();
  const IssuedFiles second = authority.issue("second", CertificateRequest("second.example"));
  install_certificate(second);
  look(*tls);
  install_key(second);
  look(*tls);
  EXPECT_TRUE(lines.empty());
  look(*tls);
  EXPECT_EQ(shown(*tls), "second.example");
}

TEST_F(TlsSourceTest, KeepsTheOldCertificateWhenTheNewFilesAreBadAndSaysItOnce) {
  const auto tls = source();
  const IssuedFiles other = authority.issue("other", CertificateRequest("other.example"));
  const auto expect_refused = [&](const std::string& why) {
    lines.clear();
    for (int i = 0; i < 4; ++i) look(*tls);
    EXPECT_EQ(shown(*tls), "first.example");
    EXPECT_EQ(lines, std::vector<std::string>{"TLS: changed files refused, the old certificates stay: " + why});
  };
  install_key(other);
  expect_refused("tls_server_key: " + options.key_file + ": does not belong to the certificate in " +
                 options.certificate_file);
  std::ofstream(options.certificate_file, std::ios::trunc).close();
  expect_refused("tls_server_cert: " + options.certificate_file + ": no certificate in it");
  fs::remove(options.certificate_file);
  expect_refused("tls_server_cert: " + options.certificate_file + ": No such file or directory");
  install(other);
  look(*tls);
  look(*tls);
  EXPECT_EQ(shown(*tls), "other.example");
}

TEST_F(TlsSourceTest, NoticesAuthoritiesAndNamedCertificatesToo) {
  const IssuedFiles named = authority.issue("named", CertificateRequest("named.example"));
  options.named_certificates = named.certificate + " " + named.key;
  options.client_certificates = ClientCertificates::optional;
  options.client_ca_file = authority.folder / "clients.pem";
  options.client_ca_dir = authority.hashed_directory();
  replace(authority.certificate, options.client_ca_file);
  const auto tls = source();
  auto before = tls->context();
  const auto expect_news = [&] {
    look(*tls);
    look(*tls);
    EXPECT_NE(tls->context(), before);
    before = tls->context();
  };
  replace(authority.certificate, options.client_ca_file);
  expect_news();
  authority.issue("named", CertificateRequest("named.example"));
  expect_news();
  fs::copy_file(authority.certificate, fs::path(options.client_ca_dir) / "01234567.0");
  expect_news();
  look(*tls);
  look(*tls);
  EXPECT_EQ(tls->context(), before);
}

TEST_F(TlsSourceTest, LooksAtNoFilesWhenToldSo) {
  options.watch_interval = std::chrono::seconds(0);
  const auto tls = source();
  EXPECT_GT(tls->interval().count(), 0);
  install(authority.issue("second", CertificateRequest("second.example")));
  look(*tls);
  look(*tls);
  EXPECT_EQ(shown(*tls), "first.example");
}

TEST_F(TlsSourceTest, SharesTicketKeysAlsoAfterNewFiles) {
  options.ticket_key_file = authority.folder / "pillarbox" / "tls_tickets.pop3";
  const auto one = source();
  const auto two = source();
  SSL_SESSION* session = nullptr;
  const auto connect = [&](const TlsSource& with) {
    const auto context = with.context();
    const auto result = serve_one(
        *context,
        [&](TlsClient& tls) {
          if (session != nullptr) tls.resume(session);
        },
        [&](TlsClient& tls) {
          SSL_SESSION_free(session);
          session = SSL_get1_session(tls.ssl());
        });
    return result.info && result.info->resumed;
  };
  EXPECT_FALSE(connect(*one));
  EXPECT_TRUE(connect(*two));
  install(authority.issue("second", CertificateRequest("second.example")));
  for (const auto& tls : {one, two}) {
    look(*tls);
    look(*tls);
  }
  EXPECT_FALSE(connect(*one));
  EXPECT_TRUE(connect(*two));
  SSL_SESSION_free(session);
}

TEST_F(TlsSourceTest, WarnsOnceWhenTicketKeysCannotBeShared) {
  options.ticket_key_file = authority.folder / "tls_tickets.pop3";
  std::ofstream(options.ticket_key_file) << "";
  fs::permissions(options.ticket_key_file, fs::perms(0644));
  const auto tls = source();
  look(*tls);
  look(*tls);
  EXPECT_EQ(lines, std::vector<std::string>{"TLS: ticket keys are not shared with other processes: " +
                                            options.ticket_key_file + ": others may read or write it"});
  EXPECT_EQ(shown(*tls), "first.example");
}

TEST_F(TlsSourceTest, HasNoContextUntilBadFilesBecomeGood) {
  const IssuedFiles second = authority.issue("second", CertificateRequest("second.example"));
  fs::remove(options.key_file);
  options.ticket_key_file = authority.folder / "tls_tickets.pop3";
  const auto tls = source();
  EXPECT_EQ(tls->context(), nullptr);
  EXPECT_EQ(tls->trouble(), "tls_server_key: " + options.key_file + ": No such file or directory");
  look(*tls);
  look(*tls);
  EXPECT_EQ(tls->context(), nullptr);
  EXPECT_FALSE(tls->is_irreplaceable());
  install(second);
  look(*tls);
  look(*tls);
  ASSERT_NE(tls->context(), nullptr);
  EXPECT_EQ(shown(*tls), "second.example");
}

TEST_F(TlsSourceTest, IsIrreplaceableWhileItsFilesAreWorseThanWhatItHas) {
  const IssuedFiles other = authority.issue("other", CertificateRequest("other.example"));
  const auto tls = source();
  const auto irreplaceable = [&] {
    look(*tls);
    look(*tls);
    return tls->is_irreplaceable();
  };
  EXPECT_FALSE(irreplaceable());
  install_key(other);
  EXPECT_TRUE(irreplaceable());
  EXPECT_TRUE(irreplaceable());
  install(other);
  EXPECT_FALSE(irreplaceable());
}

}  // namespace
}  // namespace net
