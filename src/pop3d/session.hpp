#pragma once

#include "auth/authenticator.hpp"
#include "net/stream.hpp"
#include "pop3/authorization.hpp"
#include "pop3/command.hpp"
#include "pop3/reply.hpp"
#include "pop3/transact.hpp"
#include "pop3d/wiring.hpp"
#include "server/proc_entry.hpp"
#include "server/service.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace pop3d {

/// How long a session waits before it asks again for a lock that somebody else holds.
inline constexpr std::chrono::milliseconds kLockRetry{20};

/// One client's session, from greeting to close (RFC 1939 s3): AUTHORIZATION, TRANSACTION, UPDATE. Reads like the
/// protocol; what is decided where stands in pop3/, what blocks runs on the pools.
class Session final : public server::Session {
 public:
  /// `process` outlives the session. `id` is shown to the client and in the log.
  Session(const server::Process& process, std::shared_ptr<const Configured> configured, server::Arrival client,
          std::string id);

  net::Task<void> serve() override;

  /// Ends the session without UPDATE. One that is in UPDATE finishes it.
  void cancel() override { stream_.cancel(); }

  /// A client that says nothing is told now, one that waits for a reply behind it.
  void shut_down() override {
    if (waits_for_command_) stream_.set_deadline(net::Clock::now());
  }

 private:
  struct Counts {
    unsigned retrieved = 0;
    unsigned topped = 0;
    unsigned deleted = 0;
  };

  net::Task<void> run();
  net::Task<bool> implicit_tls();
  net::Task<bool> authorization();
  net::Task<void> transaction();
  net::Task<void> update();

  // login.cpp: one function per way in. True once the maildrop is open.
  net::Task<bool> check_password(pop3::CheckPassword attempt);
  net::Task<bool> sasl(pop3::StartSasl request);
  net::Task<std::optional<base::Secret>> sasl_response(std::string challenge);
  net::Task<bool> logged_in(auth::Identity identity, std::string mechanism);
  net::Task<bool> open_maildrop(const cyrus::MaildropName& name);
  net::Task<void> refuse_login(auth::Refusal refusal, std::string mechanism, std::optional<std::string> user,
                               pop3::Line reply);
  net::Task<bool> start_tls();

  // policy.cpp: what an administrator wants of sessions.
  /// Counts this session under maxlogins_per_user and maxlogins_per_host. False when it is one too many: answered.
  net::Task<bool> admit(std::string user);
  /// The session counts no more.
  net::Task<void> discharge();

  /// The next line that is a command; lines that are none are answered here. nullopt: the peer is gone or too slow.
  net::Task<std::optional<pop3::Command>> next_command(pop3::State state);
  /// Adds a reply to the output; a body or listing is sent as far as it does not fit. False: the peer is gone.
  net::Task<bool> send(pop3::Reply reply);
  net::Task<bool> send_listing(pop3::Listing listing);
  net::Task<bool> send_body(pop3::Body body);
  void put(const pop3::Line& line) { stream_.output() += line.text; }
  pop3::Line capabilities(pop3::State state);
  void note_tls(const net::TlsInfo& info);

  /// Tells the client why the service ends, if it does. True then.
  bool tell_shutdown();

  pop3::Deletion deletion() const;
  auth::Channel channel() const;
  int tls_bits() const;
  pop3::LoginRules rules() const;
  std::string client() const { return process_.client_names.shown(peer_.ip); }
  /// "plaintext", or "plaintext+TLS" under TLS, as login lines show it.
  std::string with_tls(std::string mechanism) const { return has_tls() ? mechanism + "+TLS" : mechanism; }
  /// Between the client and us, or a proxy that we trust.
  bool has_tls() const { return stream_.is_tls() || tls_at_proxy_; }

  const server::Process& process_;
  std::shared_ptr<const Configured> configured_;
  const Settings& settings_;  // configured_'s
  net::Endpoint peer_;
  net::Endpoint local_;
  std::string id_;
  const net::Clock::time_point arrived_;
  const bool tls_ends_at_proxy_;  // then no channel binding holds (RFC 5056)
  const bool tls_at_proxy_;       // and it counts
  net::Stream stream_;
  pop3::Authorization authorization_;
  std::unique_ptr<const net::TlsInfo> tls_;  // null: no TLS
  std::string mailbox_;                      // internal name, for the log
  std::unique_ptr<maildrop::Maildrop> drop_;
  server::ProcEntry proc_entry_;
  std::uint64_t login_ticket_ = 0;  // of configured_->logins; 0: none
  Counts counts_;
  bool waits_for_command_ = false;
};

}  // namespace pop3d
