#include "auth/sasl_client.hpp"
#include "auth/site.hpp"
#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::string_view_literals;

/// Listens where saslauthd does and answers each question with the same bytes.
class FakeSaslauthd {
 public:
  FakeSaslauthd(const std::string& path, std::string_view answer)
      : answer_(answer), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.value(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.value(), 8), 0);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~FakeSaslauthd() {
    ::shutdown(listener_.value(), SHUT_RDWR);  // wakes accept()
    thread_.join();
  }
  FakeSaslauthd(const FakeSaslauthd&) = delete;
  FakeSaslauthd& operator=(const FakeSaslauthd&) = delete;

  /// How often it was asked.
  int questions() const { return questions_; }
  /// What it was asked last: name, password, service and realm, each behind its length in two octets.
  std::string last() const {
    const std::lock_guard lock{mutex_};
    return last_;
  }

 private:
  void serve() {
    for (;;) {
      const base::UniqueFd peer{::accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!peer) return;
      char question[8192];
      const auto length = ::read(peer.value(), question, sizeof question);
      if (length > 0) {
        const std::lock_guard lock{mutex_};
        last_.assign(question, static_cast<std::size_t>(length));
        ++questions_;
      }
      if (::write(peer.value(), answer_.data(), answer_.size()) < 0) return;
    }
  }

  std::string answer_;
  base::UniqueFd listener_;
  std::atomic<int> questions_{0};
  mutable std::mutex mutex_;
  std::string last_;
  std::thread thread_;
};

constexpr std::string_view kOk = "\0\2OK"sv;
constexpr std::string_view kNo = "\0\2NO"sv;

std::vector<std::string> saslauthd() { return {"sasl_pwcheck_method: saslauthd", "sasl_saslauthd_path: PATH/mux"}; }

bool mentions(const auth::Exchange::Outcome& outcome, std::string_view text) {
  return outcome.refusal && outcome.refusal->reason.find(text) != std::string::npos;
}

TEST(BackEndTrouble, MissingSasldbIsTemporaryWhereOnlySasldbIsAsked) {
  Site site{Site::with_sasldb()};
  const auto password = site.check("alice", "secret");
  EXPECT_EQ(verdict(password), "temporary");
  EXPECT_TRUE(mentions(password, "sasldb2: No such file or directory")) << password.refusal->reason;
  EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "temporary");
  const auto scram = site.begin(Site::tls())->start("SCRAM-SHA-256", base::Secret{"n,,n=alice,r=abcdefgh"});
  EXPECT_EQ(verdict(scram), "temporary");
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "secret")), "alice") << "a database that came later is not seen";
}

TEST(BackEndTrouble, MissingSasldbIsNoTroubleWhereNobodyNamedIt) {
  Site site{{"sasl_pwcheck_method: auxprop", "sasl_sasldb_path: PATH/sasldb2"}};
  EXPECT_EQ(verdict(site.check("alice", "secret")), "credentials");
}

TEST(BackEndTrouble, DamagedSasldbIsTemporary) {
  Site site{Site::with_sasldb()};
  std::ofstream{site.path("sasldb2")} << "this is no database\n";
  const auto outcome = site.check("alice", "secret");
  EXPECT_EQ(verdict(outcome), "temporary");
  EXPECT_TRUE(mentions(outcome, "unable to open Berkeley db")) << outcome.refusal->reason;
  EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "temporary");
}

TEST(BackEndTrouble, AbsentSaslauthdIsTemporary) {
  Site site{saslauthd()};
  const auto password = site.check("alice", "secret");
  EXPECT_EQ(verdict(password), "temporary");
  EXPECT_TRUE(mentions(password, "cannot connect to saslauthd server")) << password.refusal->reason;
  EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "temporary");
}

TEST(BackEndTrouble, BadNamesStayWrongCredentialsWhenSaslauthdIsAbsent) {
  Site site{saslauthd()};
  EXPECT_EQ(verdict(site.plain("", "   ", "secret")), "credentials");
  EXPECT_EQ(verdict(site.check("al*", "secret")), "credentials");
}

TEST(BackEndTrouble, AbsentSaslauthdIsNotHiddenByTheMethodBehindIt) {
  auto lines = Site::with_sasldb({"sasl_saslauthd_path: PATH/mux"});
  lines[0] = "sasl_pwcheck_method: saslauthd auxprop";
  Site site{lines};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "secret")), "alice");
  EXPECT_EQ(verdict(site.check("alice", "wrong")), "temporary");
  EXPECT_EQ(verdict(site.check("nobody", "secret")), "temporary");
}

TEST(BackEndTrouble, SaslauthdThatSpeaksIsBelieved) {
  for (const auto answer : {kOk, kNo}) {
    Site site{saslauthd()};
    const FakeSaslauthd daemon{site.path("mux").string(), answer};
    EXPECT_EQ(verdict(site.check("alice", "secret")), answer == kOk ? "alice" : "credentials");
    EXPECT_EQ(verdict(site.plain("", "alice", "secret")), answer == kOk ? "alice" : "credentials");
    EXPECT_EQ(daemon.questions(), 2);
  }
}

TEST(BackEndTrouble, SaslauthdThatBreaksOffIsTemporary) {
  for (const auto answer : {""sv, "\0"sv, "\0\1"sv, "\0\x20OK"sv}) {
    Site site{saslauthd()};
    const FakeSaslauthd daemon{site.path("mux").string(), answer};
    EXPECT_EQ(verdict(site.check("alice", "secret")), "temporary") << answer.size();
  }
}

TEST(BackEndTrouble, UnusablePasswordsAreNotSentToSaslauthd) {
  Site site{saslauthd()};
  const FakeSaslauthd daemon{site.path("mux").string(), kOk};
  EXPECT_EQ(verdict(site.check("alice", "")), "credentials");
  EXPECT_EQ(verdict(site.check("alice", std::string(7000, 'x'))), "credentials");
  EXPECT_EQ(verdict(site.check("alice", "a\0b"sv)), "credentials");
  EXPECT_EQ(verdict(site.plain("", "alice", "")), "bad_protocol");
  EXPECT_EQ(verdict(site.plain("", "alice", std::string(7000, 'x'))), "bad_protocol");
  EXPECT_EQ(daemon.questions(), 0);
}

TEST(BackEndTrouble, LongestPasswordStillFitsSaslauthdsQuestion) {
  Site site{saslauthd()};
  const FakeSaslauthd daemon{site.path("mux").string(), kOk};
  EXPECT_EQ(verdict(site.check(std::string(80, 'a'), std::string(6 * 1024, 'x'))), std::string(80, 'a'));
}

TEST(BackEndTrouble, SaslauthdIsAskedForTheServicePop) {  // RFC 5034 s4
  Site site{saslauthd()};
  const FakeSaslauthd daemon{site.path("mux").string(), kOk};
  const std::string beginning{"\0\5alice\0\6secret\0\3pop"sv};
  site.check("alice", "secret");
  EXPECT_EQ(daemon.last().substr(0, beginning.size()), beginning);
  site.plain("", "alice", "secret");
  EXPECT_EQ(daemon.last().substr(0, beginning.size()), beginning);
}

TEST(BackEndTrouble, UnknownMethodsAndPluginsAreTheAdministratorsFault) {
  {
    Site site{{"sasl_pwcheck_method: nonesuch"}};
    const auto outcome = site.check("alice", "secret");
    EXPECT_EQ(verdict(outcome), "temporary");
    EXPECT_TRUE(mentions(outcome, "unknown password verifier")) << outcome.refusal->reason;
    EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "temporary");
    EXPECT_NE(site.logged().find("unknown password verifier"), std::string::npos);
  }
  Site site{{"sasl_pwcheck_method: auxprop", "sasl_auxprop_plugin: nonesuch"}};
  EXPECT_EQ(verdict(site.check("alice", "secret")), "temporary");
}

// What saslauthd takes goes into sasldb with sasl_auto_transition, so that SCRAM works from then on.
TEST(AutoTransition, APasswordThatSaslauthdTookIsStoredWhenTheOptionSaysSo) {
  for (const bool on : {true, false}) {
    auto lines = saslauthd();
    lines.insert(lines.end(), {"sasl_auxprop_plugin: sasldb", "sasl_sasldb_path: PATH/sasldb2",
                               on ? "sasl_auto_transition: yes" : "sasl_auto_transition: no"});
    Site site{lines};
    const FakeSaslauthd server{site.path("mux").string(), kOk};
    site.add_user("bob", "other");  // the database is there
    const auto scram = [&site] {
      SaslClient client{"alice", "", "secret"};
      return verdict(client.log_in(*site.begin(Site::tls()), "SCRAM-SHA-256"));
    };
    EXPECT_EQ(scram(), "credentials");
    EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "alice");
    EXPECT_EQ(scram(), on ? "alice" : "credentials");
  }
}

}  // namespace
