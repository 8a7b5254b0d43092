#include "auth/site.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

TEST(Authenticator, ThereIsOneAtATime) {
  Site site{Site::with_sasldb()};
  site.authenticator();
  base::Log quiet{[](base::Severity, std::string_view) {}};
  const auto conf = config::ImapdConf::load(site.path("imapd.conf"), "pop3");
  ASSERT_TRUE(conf);
  const auto second = auth::Authenticator::create(*conf, quiet);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Errc::busy);
}

TEST(Authenticator, MayBeMadeAgainAfterTheFirstIsGone) {
  for (const char* password : {"first", "second"}) {
    Site site{Site::with_sasldb()};
    site.add_user("alice", password);
    EXPECT_EQ(verdict(site.check("alice", password)), "alice");
  }
}

TEST(Authenticator, PlaintextMechanismsShowWhereTheyAreAllowed) {
  Site site{Site::with_sasldb({"sasl_mech_list: PLAIN LOGIN SCRAM-SHA-256"})};
  auto weak_layer = Site::clear_text();
  weak_layer.external_ssf = 1;
  auto layer = Site::clear_text();
  layer.external_ssf = 2;
  EXPECT_EQ(site.authenticator().mechanisms(Site::clear_text()), "SCRAM-SHA-256");
  EXPECT_EQ(site.authenticator().mechanisms(weak_layer), "SCRAM-SHA-256");
  EXPECT_EQ(site.authenticator().mechanisms(layer), "PLAIN LOGIN SCRAM-SHA-256");
  EXPECT_EQ(site.authenticator().mechanisms(Site::tls()), "PLAIN LOGIN SCRAM-SHA-256");
  EXPECT_EQ(site.authenticator().mechanisms(Site::clear_text()), "SCRAM-SHA-256") << "the cache mixes channels up";
}

TEST(Authenticator, AllowplaintextShowsThemEverywhere) {
  Site site{Site::with_sasldb({"sasl_mech_list: PLAIN LOGIN", "allowplaintext: yes"})};
  EXPECT_EQ(site.authenticator().mechanisms(Site::clear_text()), "PLAIN LOGIN");
}

TEST(Authenticator, OffersNothingWhereNothingMayBeUsed) {
  Site site{Site::with_sasldb({"sasl_mech_list: PLAIN LOGIN"})};
  EXPECT_EQ(site.authenticator().mechanisms(Site::clear_text()), "");
}

TEST(Authenticator, MinimumLayerIsMetByTheChannelOrNotAtAll) {
  Site site{Site::with_sasldb({"sasl_mech_list: PLAIN SCRAM-SHA-256 DIGEST-MD5", "sasl_minimum_layer: 128"})};
  EXPECT_EQ(site.authenticator().mechanisms(Site::clear_text()), "");
  EXPECT_EQ(verdict(site.begin(Site::clear_text())->start("DIGEST-MD5", std::nullopt)), "too_weak");
  EXPECT_NE(site.authenticator().mechanisms(Site::tls()).find("PLAIN"), std::string::npos);
}

TEST(Authenticator, AnonymousIsListedWithTheOptionOnly) {
  {
    Site site{Site::with_sasldb()};
    EXPECT_EQ(site.authenticator().mechanisms(Site::tls()).find("ANONYMOUS"), std::string::npos);
    EXPECT_EQ(site.authenticator().mechanisms(Site::tls()).find("EXTERNAL"), std::string::npos);
  }
  Site site{Site::with_sasldb({"allowanonymouslogin: yes"})};
  EXPECT_NE(site.authenticator().mechanisms(Site::tls()).find("ANONYMOUS"), std::string::npos);
}

TEST(Authenticator, PluginOptionBeatsThePlainOne) {
  Site site{
      Site::with_sasldb({"sasl_scram-sha-256_scram_iteration_counter: 5000", "sasl_scram_iteration_counter: 6000"})};
  site.add_user("alice", "secret");
  const auto exchange = site.begin(Site::tls());
  const auto challenge = exchange->start("SCRAM-SHA-256", base::Secret{"n,,n=alice,r=abcdefgh"}).challenge;
  ASSERT_TRUE(challenge);
  EXPECT_NE(challenge->find(",i=5000"), std::string::npos) << *challenge;
}

TEST(Authenticator, ChannelMayBeAUnixSocketOrSpeakIpv6) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  auth::Channel socket;
  socket.tls = true;
  EXPECT_EQ(verdict(site.check("alice", "secret", socket)), "alice");
  auto ipv6 = Site::tls();
  ipv6.local_ip = "::1";
  ipv6.peer_ip = "2001:db8::7";
  EXPECT_EQ(verdict(site.check("alice", "secret", ipv6)), "alice");
}

TEST(Authenticator, AddressesThatAreNoneAreAnError) {
  Site site{Site::with_sasldb()};
  auto odd_peer = Site::tls();
  odd_peer.peer_ip = "not an address";
  auto odd_port = Site::tls();
  odd_port.local_port = 65536;
  for (const auto& channel : {odd_peer, odd_port}) {
    const auto exchange = site.authenticator().begin(channel);
    ASSERT_FALSE(exchange);
    EXPECT_EQ(exchange.error().code, base::Errc::invalid);
  }
}

TEST(Authenticator, ManyThreadsLogInAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kLogins = 50;
  Site site{Site::with_sasldb()};
  for (int i = 0; i < kThreads; ++i) site.add_user("user" + std::to_string(i), "secret" + std::to_string(i));
  site.authenticator();

  std::atomic<int> right{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&site, &right, &refused, i] {
      const auto name = "user" + std::to_string(i);
      const auto secret = "secret" + std::to_string(i);
      for (int login = 0; login < kLogins; ++login) {
        if (verdict(site.check(name, secret)) == name) ++right;
        if (verdict(site.check(name, "secret" + std::to_string(i + 1))) == "credentials") ++refused;
        if (login % 10 == 0 && verdict(site.plain("", name, secret)) == name) ++right;
        if (site.authenticator().mechanisms(Site::tls()).empty()) return;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * (kLogins + kLogins / 10));
  EXPECT_EQ(refused, kThreads * kLogins);
}

}  // namespace
