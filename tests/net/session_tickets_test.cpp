#include "net/session_tickets.hpp"

#include "net_support.hpp"
#include "test_authority.hpp"
#include "tls_session.hpp"

#include <stdexcept>

namespace net {
namespace {

using testing::CertificateRequest;
using testing::serve_one;
using testing::TestAuthority;
using testing::TlsClient;
using testing::TlsSession;

std::shared_ptr<const TicketKeys> fresh_keys(const TicketKeys& after = TicketKeys(), std::int64_t now = 1'000'000) {
  return std::make_shared<const TicketKeys>(after.rotated(now, 86400));
}

// Each context stands for a process of its own.
class SessionTicketsTest : public ::testing::TestWithParam<int> {
 protected:
  SessionTicketsTest() { options = files.options(); }

  std::unique_ptr<TlsContext> context(std::shared_ptr<const TicketKeys> with) const {
    auto made = TlsContext::create(options);
    if (!made) throw std::runtime_error(made.error().text);
    (*made)->use_ticket_keys(std::move(with));
    return std::move(*made);
  }
  // Connects, offers the session that the last connection left, and keeps the one that this one leaves.
  TlsSession connect(const TlsContext& context, const std::function<void(TlsClient&)>& prepare = {}) {
    return serve_one(
        context,
        [&](TlsClient& tls) {
          if (prepare) prepare(tls);
          if (session) tls.resume(session.get());
        },
        [&](TlsClient& tls) { session.reset(SSL_get1_session(tls.ssl())); }, GetParam());
  }
  bool resumes(const TlsContext& context, const std::function<void(TlsClient&)>& prepare = {}) {
    const TlsSession result = connect(context, prepare);
    EXPECT_TRUE(result.info) << result.error;
    EXPECT_TRUE(result.answered);
    return result.info && result.info->resumed;
  }

  struct Free {
    void operator()(SSL_SESSION* old) const { SSL_SESSION_free(old); }
  };
  testing::KeyFiles files;
  TestAuthority authority;
  TlsOptions options;
  std::shared_ptr<const TicketKeys> keys = fresh_keys();
  std::unique_ptr<SSL_SESSION, Free> session;
};

TEST_P(SessionTicketsTest, AreTakenByAnotherProcessWithTheSameKeys) {
  EXPECT_FALSE(resumes(*context(keys)));
  EXPECT_TRUE(resumes(*context(keys)));
  EXPECT_TRUE(resumes(*context(keys)));
}

TEST_P(SessionTicketsTest, AreNothingToAProcessWithOtherKeys) {
  EXPECT_FALSE(resumes(*context(keys)));
  EXPECT_FALSE(resumes(*context(fresh_keys())));
}

TEST_P(SessionTicketsTest, SurviveARotationAndAreRenewedByIt) {
  const auto process = context(keys);
  EXPECT_FALSE(resumes(*process));
  const auto next = fresh_keys(*keys, 1'000'001);
  process->use_ticket_keys(next);
  EXPECT_TRUE(resumes(*process));
  // The client has a ticket of the new key now: it works where the old one is unknown.
  const auto without_old = fresh_keys(*next, 1'000'001 + 2 * 86400);
  ASSERT_EQ(without_old->find(keys->newest().name), nullptr);
  EXPECT_FALSE(resumes(*context(without_old)));
}

TEST_P(SessionTicketsTest, OfARenewalCarryTheNewKey) {
  const auto process = context(keys);
  EXPECT_FALSE(resumes(*process));
  const auto next = fresh_keys(*keys, 1'000'001);
  process->use_ticket_keys(next);
  EXPECT_TRUE(resumes(*process));
  const unsigned char* ticket = nullptr;
  std::size_t octets = 0;
  SSL_SESSION_get0_ticket(session.get(), &ticket, &octets);
  ASSERT_GT(octets, TicketKey::kNameOctets);
  EXPECT_TRUE(std::equal(next->newest().name.begin(), next->newest().name.end(), ticket));
}

TEST_P(SessionTicketsTest, AreNotMadeWhenTheLifetimeIsZero) {
  options.session_lifetime = std::chrono::seconds(0);
  const auto process = context(keys);
  EXPECT_FALSE(resumes(*process));
  EXPECT_FALSE(resumes(*process));
  EXPECT_EQ(SSL_SESSION_has_ticket(session.get()), 0);
}

TEST_P(SessionTicketsTest, AreRefusedWhenForgedAndTheHandshakeIsFull) {
  const auto process = context(keys);
  for (const bool in_name : {true, false}) {
    session.reset();
    EXPECT_FALSE(resumes(*process));
    const unsigned char* ticket = nullptr;
    std::size_t octets = 0;
    SSL_SESSION_get0_ticket(session.get(), &ticket, &octets);
    ASSERT_GT(octets, 64U);
    const_cast<unsigned char*>(ticket)[in_name ? 3 : 40] ^= 1;
    EXPECT_FALSE(resumes(*process));
  }
}

TEST_P(SessionTicketsTest, EndWithACertificateThatIsReplaced) {
  EXPECT_FALSE(resumes(*context(keys)));
  const testing::KeyFiles renewed;
  options.certificate_file = renewed.certificate;
  options.key_file = renewed.key;
  EXPECT_FALSE(resumes(*context(keys)));
  EXPECT_TRUE(resumes(*context(keys)));
}

TEST_P(SessionTicketsTest, EndWithAnotherSetOfAuthoritiesOrListsOrCiphers) {
  options.client_certificates = ClientCertificates::optional;
  options.client_ca_file = authority.certificate;
  EXPECT_FALSE(resumes(*context(keys)));
  EXPECT_TRUE(resumes(*context(keys)));
  const TestAuthority other("another authority");
  options.client_ca_file = other.certificate;
  EXPECT_FALSE(resumes(*context(keys)));
  TestAuthority third("a third authority");
  options.crl_file = third.write_revocation_list({1});
  EXPECT_FALSE(resumes(*context(keys)));
  options.ciphers = "HIGH";
  EXPECT_FALSE(resumes(*context(keys)));
  options.client_certificates = ClientCertificates::off;
  EXPECT_FALSE(resumes(*context(keys)));
}

TEST_P(SessionTicketsTest, AreOfNoUseUnderANameWithAnotherCertificate) {
  CertificateRequest request("mail.example.net");
  request.dns_names = {"mail.example.net", "pop.example.net"};
  const auto named = authority.issue("net", request);
  options.named_certificates = named.certificate + " " + named.key;
  const auto process = context(keys);
  const auto as = [](const char* name) { return [name](TlsClient& tls) { tls.ask_for(name); }; };
  EXPECT_FALSE(resumes(*process, as("mail.example.net")));
  EXPECT_TRUE(resumes(*process, as("mail.example.net")));
  EXPECT_FALSE(resumes(*process, as("unknown.example")));
  EXPECT_FALSE(resumes(*process, as("mail.example.net")));
  EXPECT_FALSE(resumes(*process));
}

TEST_P(SessionTicketsTest, KeepTheClientsIdentityWhileItsCertificateIsGood) {
  options.client_certificates = ClientCertificates::optional;
  options.client_ca_file = authority.certificate;
  const auto process = context(keys);
  CertificateRequest request("alice");
  request.ends = 2;
  const auto alice = authority.issue("alice", request);
  const auto show = [&](TlsClient& tls) { EXPECT_TRUE(tls.show_certificate(alice.certificate, alice.key)); };
  EXPECT_EQ(connect(*process, show).info->client_name, "alice");
  TlsSession again = connect(*process);
  ASSERT_TRUE(again.info);
  if (again.info->resumed) {  // not on a machine that was asleep for two seconds
    EXPECT_EQ(again.info->client_name, "alice");
  }
  std::this_thread::sleep_for(std::chrono::seconds(3));
  again = connect(*process);
  ASSERT_TRUE(again.info) << again.error;
  EXPECT_FALSE(again.info->resumed);
  EXPECT_EQ(again.info->client_name, "");
}

TEST_P(SessionTicketsTest, BindAResumedConnectionByItself) {
  const auto process = context(keys);
  const TlsSession first = connect(*process);
  std::string clients_view;
  const TlsSession second = serve_one(
      *process, [&](TlsClient& tls) { tls.resume(session.get()); },
      [&](TlsClient& tls) {
        clients_view.resize(64);
        if (GetParam() == TLS1_2_VERSION) {  // RFC 5929 s3.1: the server's Finished came first
          clients_view.resize(SSL_get_peer_finished(tls.ssl(), clients_view.data(), clients_view.size()));
        } else {
          clients_view.resize(32);
          SSL_export_keying_material(tls.ssl(), reinterpret_cast<unsigned char*>(clients_view.data()), 32,
                                     "EXPORTER-Channel-Binding", 24, nullptr, 0, 0);
        }
      },
      GetParam());
  ASSERT_TRUE(first.info && second.info);
  EXPECT_TRUE(second.info->resumed);
  EXPECT_EQ(second.info->binding.data, clients_view);
  EXPECT_NE(second.info->binding.data, first.info->binding.data);
}

INSTANTIATE_TEST_SUITE_P(BothVersions, SessionTicketsTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST(SessionTickets, WithoutDiffieHellmanAreNotTakenOverTls13) {  // RFC 8446 s4.2.9: psk_ke
  const testing::KeyFiles files;
  const auto context = files.context();
  EXPECT_EQ(SSL_CTX_get_options(context->native()) & SSL_OP_ALLOW_NO_DHE_KEX, 0U);
}

}  // namespace
}  // namespace net
