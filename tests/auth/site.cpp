#include "auth/site.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>
#include <utility>

Site::Site(std::vector<std::string> lines)
    : log_([this](base::Severity, std::string_view line) {
        const std::lock_guard lock{mutex_};
        logged_.append(line).append("\n");
      }) {
  auto pattern = (std::filesystem::temp_directory_path() / "pillarbox-auth-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  directory_ = pattern;

  std::ofstream file{path("imapd.conf")};
  file << "configdirectory: " << path("conf").string()
       << "\ndefaultpartition: default\npartition-default: " << path("spool").string()
       << "\nservername: test.example\n";
  for (auto line : lines) {
    if (const auto at = line.find("PATH"); at != std::string::npos) line.replace(at, 4, directory_.string());
    file << line << "\n";
  }
}

Site::~Site() {
  authenticator_.reset();
  std::error_code ignored;  // a leftover in /tmp fails no test
  std::filesystem::remove_all(directory_, ignored);
}

std::vector<std::string> Site::with_sasldb(std::vector<std::string> more) {
  std::vector<std::string> lines = {"sasl_pwcheck_method: auxprop", "sasl_auxprop_plugin: sasldb",
                                    "sasl_sasldb_path: PATH/sasldb2"};
  for (auto& line : more) lines.push_back(std::move(line));
  return lines;
}

void Site::add_user(const std::string& name, const std::string& password, const std::string& realm) {
  const auto command = "PATH=$PATH:/usr/sbin:/sbin saslpasswd2 -c -p -f '" + path("sasldb2").string() + "' -u '" +
                       realm + "' '" + name + "'";
  auto* pipe = ::popen(command.c_str(), "w");
  ASSERT_NE(pipe, nullptr);
  ASSERT_EQ(std::fputs(password.c_str(), pipe) < 0, false);
  ASSERT_EQ(::pclose(pipe), 0) << "saslpasswd2 (package sasl2-bin) is needed";
}

auth::Authenticator& Site::authenticator() {
  if (!authenticator_) {
    auto conf = config::ImapdConf::load(path("imapd.conf"), "pop3");
    if (!conf) {
      ADD_FAILURE() << conf.error().text;
      std::abort();
    }
    conf_ = std::make_unique<config::ImapdConf>(std::move(*conf));
    auto made = auth::Authenticator::create(*conf_, log_);
    if (!made) {
      ADD_FAILURE() << made.error().text;
      std::abort();
    }
    authenticator_ = std::move(*made);
  }
  return *authenticator_;
}

std::unique_ptr<auth::Exchange> Site::begin(const auth::Channel& channel) {
  auto exchange = authenticator().begin(channel);
  if (!exchange) {
    ADD_FAILURE() << exchange.error().text;
    std::abort();
  }
  return std::move(*exchange);
}

auth::Exchange::Outcome Site::check(const std::string& user, std::string_view password, const auth::Channel& channel) {
  return begin(channel)->check_password(user, base::Secret{password});
}

auth::Exchange::Outcome Site::check(const std::string& user, std::string_view password) {
  return check(user, password, tls());
}

auth::Exchange::Outcome Site::plain(const std::string& authzid, const std::string& authcid,
                                    const std::string& password) {
  auto message = authzid;
  message.append(1, '\0').append(authcid).append(1, '\0').append(password);
  return begin(tls())->start("PLAIN", base::Secret{message});
}

std::string Site::logged() const {
  const std::lock_guard lock{mutex_};
  return logged_;
}

auth::Channel Site::clear_text() {
  auth::Channel channel;
  channel.local_ip = "127.0.0.1";
  channel.local_port = 110;
  channel.peer_ip = "127.0.0.1";
  channel.peer_port = 40000;
  return channel;
}

auth::Channel Site::tls() {
  auto channel = clear_text();
  channel.tls = true;
  channel.external_ssf = 256;
  return channel;
}

std::string verdict(const auth::Exchange::Outcome& outcome) {
  using Kind = auth::Refusal::Kind;
  if (outcome.challenge.has_value() + outcome.identity.has_value() + outcome.refusal.has_value() != 1) return "not one";
  if (outcome.challenge) return "challenge";
  if (outcome.identity) {
    return outcome.identity->subfolder.empty() ? outcome.identity->user
                                               : outcome.identity->user + "+" + outcome.identity->subfolder;
  }
  switch (outcome.refusal->kind) {
    case Kind::credentials:
      return "credentials";
    case Kind::no_mechanism:
      return "no_mechanism";
    case Kind::too_weak:
      return "too_weak";
    case Kind::bad_protocol:
      return "bad_protocol";
    case Kind::temporary:
      return "temporary";
  }
  return "no kind";
}
