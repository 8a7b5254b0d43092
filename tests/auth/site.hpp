#pragma once

#include "auth/authenticator.hpp"
#include "base/log.hpp"
#include "config/imapd_conf.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

/// A mail site in a temporary directory: an imapd.conf and a real sasldb, removed afterwards.
class Site {
 public:
  /// `lines` go into imapd.conf after the basic ones; PATH in them becomes the directory of the site.
  explicit Site(std::vector<std::string> lines = {});
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  /// The lines that make a site check passwords with its sasldb.
  static std::vector<std::string> with_sasldb(std::vector<std::string> more = {});

  /// Runs saslpasswd2.
  void add_user(const std::string& name, const std::string& password, const std::string& realm = "test.example");

  /// The Authenticator of this configuration; made on the first call.
  auth::Authenticator& authenticator();

  std::unique_ptr<auth::Exchange> begin(const auth::Channel& channel);
  auth::Exchange::Outcome check(const std::string& user, std::string_view password, const auth::Channel& channel);
  auth::Exchange::Outcome check(const std::string& user, std::string_view password);
  /// AUTH PLAIN with an initial response, over TLS.
  auth::Exchange::Outcome plain(const std::string& authzid, const std::string& authcid, const std::string& password);

  std::filesystem::path path(const std::string& name) const { return directory_ / name; }
  /// All log lines so far.
  std::string logged() const;

  static auth::Channel clear_text();
  static auth::Channel tls();

 private:
  std::filesystem::path directory_;
  mutable std::mutex mutex_;
  std::string logged_;
  base::Log log_;
  std::unique_ptr<config::ImapdConf> conf_;
  std::unique_ptr<auth::Authenticator> authenticator_;
};

/// "alice", "alice+folder", "credentials", "challenge"...: what became of a login, for EXPECT_EQ.
std::string verdict(const auth::Exchange::Outcome& outcome);
