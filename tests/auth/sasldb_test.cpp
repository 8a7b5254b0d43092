#include "auth/sasldb.hpp"

#include "auth/sasldb_file.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace auth {
namespace {

using base::Errc;
using base::Secret;
using Users = std::vector<SasldbUser>;

class SasldbTest : public ::testing::Test {
 protected:
  explicit SasldbTest(const std::string& domains = "virtdomains: userid\ndefaultdomain: home.test\n")
      : conf_(config::ImapdConf::parse("imapd.conf",
                                       "configdirectory: /x\nservername: mail.test\n" + domains +
                                           "sasl_pwcheck_method: saslauthd\nsasl_auxprop_plugin: sql\n"
                                           "sasl_sasldb_path: " +
                                           file().native() + "\n",
                                       "", nullptr, config::Partitions::optional)
                  .value()),
        database_(Sasldb::create(conf_).value()) {}

  std::filesystem::path file() const { return directory_.path() / "sasldb2"; }
  SasldbUser user(std::string_view name) const { return database_->user_of(name).value(); }

  support::TempDirectory directory_;
  config::ImapdConf conf_;
  std::unique_ptr<Sasldb> database_;
};

TEST_F(SasldbTest, KnowsWhomItWasTold) {
  EXPECT_EQ(database_->list().value(), Users{});
  ASSERT_TRUE(database_->add(user("bob"), Secret("one")));
  ASSERT_TRUE(database_->add(user("Ann@Example.com"), Secret("two")));
  EXPECT_EQ(database_->list().value(), (Users{{"ann", "example.com"}, {"bob", "mail.test"}}));
  ASSERT_TRUE(database_->change(user("bob"), Secret("three")));
  ASSERT_TRUE(database_->remove(user("bob")));
  EXPECT_EQ(database_->list().value(), (Users{{"ann", "example.com"}}));
}

TEST_F(SasldbTest, TakesTheDefaultDomainForTheServersOwn) {
  EXPECT_EQ(user("bob@home.test"), (SasldbUser{"bob", "mail.test"}));
}

TEST_F(SasldbTest, LetsAnyRealmLogInUnderVirtualDomains) {
  for (const char* name : {"bob", "bob@home.test", "bob@example.com"}) EXPECT_TRUE(database_->may_log_in(name)) << name;
}

class SasldbWithoutDomainsTest : public SasldbTest {
 protected:
  SasldbWithoutDomainsTest() : SasldbTest("loginrealms: other.test\n") {}
};

TEST_F(SasldbWithoutDomainsTest, KnowsWhoseRealmMayNotLogIn) {
  EXPECT_TRUE(database_->may_log_in("bob"));
  EXPECT_TRUE(database_->may_log_in("bob@Other.test"));
  EXPECT_FALSE(database_->may_log_in("bob@example.com"));
  EXPECT_FALSE(database_->may_log_in("bob@mail.test"));
}

TEST_F(SasldbTest, AddsAndChangesNobodyByMistake) {
  EXPECT_EQ(database_->change(user("bob"), Secret("x")).error().code, Errc::not_found);
  EXPECT_EQ(database_->remove(user("bob")).error().code, Errc::not_found);
  ASSERT_TRUE(database_->add(user("bob"), Secret("x")));
  EXPECT_EQ(database_->add(user("bob"), Secret("y")).error().code, Errc::invalid);
  EXPECT_EQ(database_->add(user("ann"), Secret("")).error().code, Errc::invalid);
  EXPECT_EQ(database_->add(user("ann"), Secret(std::string(1025, 'x'))).error().code, Errc::invalid);
  EXPECT_EQ(database_->list().value(), (Users{{"bob", "mail.test"}}));
}

TEST_F(SasldbTest, RefusesNamesThatAreNone) {
  for (const char* name : {"", "a b%", "a@b@c", "@x", "a@", "a\nb", "\xc3\xa4"}) {
    EXPECT_FALSE(database_->user_of(name)) << name;
  }
}

TEST_F(SasldbTest, SaysSoOfAFileThatIsNoDatabase) {
  std::ofstream(file()) << "this is not a database, but long enough to be one, at least for its header: "
                        << std::string(8192, '.');
  const auto users = database_->list();
  ASSERT_FALSE(users);
  EXPECT_EQ(users.error().code, Errc::corrupt);
  EXPECT_NE(users.error().text.find(file().native()), std::string::npos);
  EXPECT_FALSE(database_->add(user("bob"), Secret("x")));
}

TEST_F(SasldbTest, IsTheOnlyUserOfTheLibrary) { EXPECT_EQ(Sasldb::create(conf_).error().code, Errc::busy); }

TEST(SasldbKey, HasANameARealmAndAProperty) {
  using namespace std::string_view_literals;
  EXPECT_EQ(parse_sasldb_key("ann\0home\0userPassword"sv), (SasldbUser{"ann", "home"}));
  EXPECT_EQ(parse_sasldb_key("ann\0\0userPassword"sv), (SasldbUser{"ann", ""}));
  EXPECT_EQ(parse_sasldb_key("ann\0home"sv), std::nullopt);
  EXPECT_EQ(parse_sasldb_key("\0home\0x"sv), std::nullopt);
  EXPECT_EQ(parse_sasldb_key(""sv), std::nullopt);
}

}  // namespace
}  // namespace auth
