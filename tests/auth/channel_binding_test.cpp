#include "auth/sasl_client.hpp"
#include "auth/site.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

const std::string kOctets(32, 'b');

auth::Channel bound(const std::string& type, const std::string& data) {
  auto channel = Site::tls();
  channel.binding_type = type;
  channel.binding = data;
  return channel;
}

class ChannelBinding : public ::testing::Test {
 protected:
  ChannelBinding() { site.add_user("alice", "secret"); }

  /// A client that binds to `data` of `type`, at a server whose channel is `channel`.
  std::string log_in(const std::string& mechanism, const std::string& type, const std::string& data,
                     const auth::Channel& channel, const std::string& password = "secret") {
    SaslClient client{"alice", "", password};
    client.bind_channel(type, data, false);
    return verdict(client.log_in(*site.begin(channel), mechanism));
  }

  Site site{Site::with_sasldb()};
};

TEST_F(ChannelBinding, PlusFormsAreOfferedWhereThereIsSomethingToBindTo) {
  EXPECT_EQ(site.authenticator().mechanisms(Site::tls()).find("-PLUS"), std::string::npos);
  const auto offer = site.authenticator().mechanisms(bound("tls-exporter", kOctets));
  for (const char* mechanism : {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"}) {
    EXPECT_NE(offer.find(mechanism), std::string::npos) << offer;
  }
  EXPECT_EQ(site.authenticator().mechanisms(Site::tls()).find("-PLUS"), std::string::npos);
}

TEST_F(ChannelBinding, LogsInOverTheSameConnection) {  // RFC 5802 s6, RFC 9266 s2
  for (const char* type : {"tls-exporter", "tls-unique"}) {
    for (const char* mechanism : {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"}) {
      EXPECT_EQ(log_in(mechanism, type, kOctets, bound(type, kOctets)), "alice") << mechanism;
      EXPECT_EQ(log_in(mechanism, type, kOctets, bound(type, kOctets), "wrong"), "credentials") << mechanism;
    }
  }
}

TEST_F(ChannelBinding, RefusesTheBindingOfAnotherConnection) {
  for (const auto& other : {std::string(32, 'c'), kOctets + "b", kOctets.substr(1), std::string()}) {
    EXPECT_EQ(log_in("SCRAM-SHA-256-PLUS", "tls-exporter", other, bound("tls-exporter", kOctets)), "bad_protocol");
  }
  EXPECT_EQ(log_in("SCRAM-SHA-256-PLUS", "tls-unique", kOctets, bound("tls-exporter", kOctets)), "credentials");
}

TEST_F(ChannelBinding, RefusesAClientThatWasShownAnOfferWithoutPlus) {  // RFC 5802 s6
  const auto channel = bound("tls-exporter", kOctets);
  const auto outcome = site.begin(channel)->start("SCRAM-SHA-256", base::Secret{"y,,n=alice,r=abcdefgh"});
  EXPECT_EQ(verdict(outcome), "credentials");
  EXPECT_NE(outcome.refusal->reason.find("did not reach the client"), std::string::npos);
  // Also when the message comes as the answer to an empty challenge.
  const auto exchange = site.begin(channel);
  ASSERT_EQ(verdict(exchange->start("SCRAM-SHA-256", std::nullopt)), "challenge");
  EXPECT_EQ(verdict(exchange->step(base::Secret{"y,,n=alice,r=abcdefgh"})), "credentials");
  // A client that cannot bind says so, and is welcome.
  EXPECT_EQ(verdict(site.begin(channel)->start("SCRAM-SHA-256", base::Secret{"n,,n=alice,r=abcdefgh"})), "challenge");
}

TEST_F(ChannelBinding, PlusWithoutABindingIsNoMechanism) {
  const auto outcome =
      site.begin(Site::tls())->start("SCRAM-SHA-256-PLUS", base::Secret{"p=tls-exporter,,n=alice,r=abcdefgh"});
  EXPECT_EQ(verdict(outcome), "no_mechanism");
}

TEST_F(ChannelBinding, AFlagThatDoesNotFitTheMechanismIsRefused) {
  const auto channel = bound("tls-exporter", kOctets);
  EXPECT_EQ(verdict(site.begin(channel)->start("SCRAM-SHA-256-PLUS", base::Secret{"n,,n=alice,r=abcdefgh"})),
            "credentials");
  EXPECT_EQ(verdict(site.begin(channel)->start("SCRAM-SHA-256-PLUS", base::Secret{"y,,n=alice,r=abcdefgh"})),
            "credentials");
  EXPECT_EQ(verdict(site.begin(channel)->start("SCRAM-SHA-256", base::Secret{"p=tls-exporter,,n=alice,r=abcdefgh"})),
            "credentials");
  EXPECT_EQ(verdict(site.begin(channel)->start("SCRAM-SHA-256", base::Secret{"q,,n=alice,r=abcdefgh"})),
            "bad_protocol");
}

TEST(ChannelBindingUnderAMechanismList, WhoWasOfferedNoPlusMaySayThatHeSawNone) {
  Site site{Site::with_sasldb({"sasl_mech_list: SCRAM-SHA-256"})};
  site.add_user("alice", "secret");
  const auto channel = bound("tls-exporter", kOctets);
  const auto offer = site.authenticator().mechanisms(channel);
  SaslClient client{"alice", "", "secret"};
  client.bind_channel("tls-exporter", kOctets, false);
  EXPECT_EQ(offer, "SCRAM-SHA-256-PLUS SCRAM-SHA-256") << "libsasl2 takes one name for both forms";
  EXPECT_EQ(verdict(client.log_in(*site.begin(channel), "SCRAM-SHA-256-PLUS")), "alice");
}

}  // namespace
