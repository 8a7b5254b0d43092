#include "server/login_log.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace server {
namespace {

GoodLogin good() {
  GoodLogin login;
  login.client = "localhost [127.0.0.1]";
  login.user = "alice";
  login.mechanism = "plaintext";
  login.session_id = "id-1";
  return login;
}

BadLogin bad() {
  BadLogin login;
  login.client = "localhost [127.0.0.1]";
  login.mechanism = "PLAIN";
  login.reason = "authentication failure";
  return login;
}

TEST(LoginLine, IsThatOfCyrus361) {
  GoodLogin login = good();
  EXPECT_EQ(login_line(LogFormat::classic, login),
            "login: localhost [127.0.0.1] alice plaintext User logged in SESSIONID=<id-1>");
  login.tls = true;
  login.subfolder = "+sub";
  login.mechanism = "scram-sha-256";
  EXPECT_EQ(login_line(LogFormat::classic, login),
            "login: localhost [127.0.0.1] alice+sub scram-sha-256+TLS User logged in SESSIONID=<id-1>");
  EXPECT_EQ(anonymous_login_line(LogFormat::classic, login, "me@x"), "login: localhost [127.0.0.1] anonymous me@x");
}

TEST(LoginLine, IsThatOfLaterReleasesInLogfmt) {
  GoodLogin login = good();
  EXPECT_EQ(login_line(LogFormat::logfmt, login),
            "event=login.good r.sessionid=id-1 r.clienthost=\"localhost [127.0.0.1]\" u.username=alice "
            "login.mech=plaintext login.tls=0 pop.subfolder=~null~");
  login.tls = true;
  login.subfolder = "+sub";
  login.client = "[::1]";
  EXPECT_EQ(login_line(LogFormat::logfmt, login),
            "event=login.good r.sessionid=id-1 r.clienthost=[::1] u.username=alice login.mech=plaintext login.tls=1 "
            "pop.subfolder=+sub");
  EXPECT_EQ(anonymous_login_line(LogFormat::logfmt, login, "me@x"),
            "event=login.good r.sessionid=id-1 r.clienthost=[::1] login.mech=plaintext login.tls=1 login.anonymous=1 "
            "login.password=me@x");
}

TEST(BadLoginLine, IsThatOfCyrus361) {
  BadLogin login = bad();
  EXPECT_EQ(bad_login_line(LogFormat::classic, login),
            "badlogin: localhost [127.0.0.1] PLAIN (-notset-) [authentication failure]");
  login.user = "alice";
  login.mechanism = "plaintext";
  login.reason = "SASL(-13): authentication failure: checkpass failed";
  EXPECT_EQ(bad_login_line(LogFormat::classic, login),
            "badlogin: localhost [127.0.0.1] plaintext (alice) [SASL(-13): authentication failure: checkpass failed]");
  login.user = "a.b";
  login.reason = kInvalidUser;
  EXPECT_EQ(bad_login_line(LogFormat::classic, login), "badlogin: localhost [127.0.0.1] plaintext (a.b) invalid user");
  login.reason = kAnonymousRefused;
  EXPECT_EQ(bad_login_line(LogFormat::classic, login), "badlogin: localhost [127.0.0.1] anonymous login refused");
}

TEST(BadLoginLine, IsThatOfLaterReleasesInLogfmt) {
  BadLogin login = bad();
  EXPECT_EQ(bad_login_line(LogFormat::logfmt, login),
            "event=login.bad r.clienthost=\"localhost [127.0.0.1]\" u.username=~null~ login.mech=PLAIN "
            "error=\"authentication failure\"");
  login.user = "a\" error=\"x";
  EXPECT_EQ(bad_login_line(LogFormat::logfmt, login),
            "event=login.bad r.clienthost=\"localhost [127.0.0.1]\" u.username=\"a\\\" error=\\\"x\" login.mech=PLAIN "
            "error=\"authentication failure\"");
}

TEST(BadLoginLine, WhatIsNoMechanismCannotPassForAnAddress) {
  BadLogin login = bad();
  for (const std::string mechanism : {"[192.0.2.1]", "PLAIN\x1b", "", "a b", "ABCDEFGHIJKLMNOPQRSTU"}) {
    login.mechanism = mechanism;
    EXPECT_EQ(bad_login_line(LogFormat::classic, login),
              "badlogin: localhost [127.0.0.1] invalid (-notset-) [authentication failure]");
  }
}

RC_GTEST_PROP(BadLoginLine, TheFirstBracketsHoldTheAddressWhateverTheClientSays,
              (std::string mechanism, std::string user, std::string reason)) {
  BadLogin login = bad();
  login.mechanism = mechanism;
  login.user = user;
  login.reason = reason;
  for (const auto format : {LogFormat::classic, LogFormat::logfmt}) {
    const auto line = bad_login_line(format, login);
    const auto open = line.find('[');
    RC_ASSERT(line.substr(open, line.find(']') - open + 1) == "[127.0.0.1]");
  }
}

}  // namespace
}  // namespace server
