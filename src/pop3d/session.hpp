#pragma once

#include "auth/authenticator.hpp"
#include "net/stream.hpp"
#include "pop3/authorization.hpp"
#include "pop3/command.hpp"
#include "pop3/parse_command.hpp"
#include "pop3/reply.hpp"
#include "pop3/transact.hpp"
#include "pop3d/session_log.hpp"
#include "pop3d/telemetry.hpp"
#include "pop3d/wiring.hpp"
#include "server/proc_entry.hpp"
#include "server/service.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>

namespace pop3d {

/// How long a session waits before it asks again for a lock that somebody else holds.
inline constexpr std::chrono::milliseconds kLockRetry{20};

/// One client's session, from greeting to close (RFC 1939 s3): AUTHORIZATION, TRANSACTION, UPDATE. Reads like the
/// protocol; what is decided where stands in pop3/, what blocks runs on the pools.
class Session final : public server::Session {
 public:
  /// `process` and `telemetry` outlive the session. `id` is shown to the client and in the log.
  Session(const server::Process& process, std::shared_ptr<const Configured> configured, TelemetryWriter& telemetry,
          server::Arrival client, std::string id);

  net::Task<void> serve() override;

  /// Ends the session without UPDATE. One that is in UPDATE finishes it.
  void cancel() override {
    if (!over_) end_ = SessionEnd::stopped;
    stream_.cancel();
  }

  /// A client that says nothing is told now, one that waits for a reply behind it.
  void shut_down() override {
    if (waits_for_command_) stream_.set_deadline(net::Clock::now());
  }

 private:
  struct Counts {
    unsigned retrieved = 0;
    unsigned topped = 0;
    unsigned deleted = 0;
    std::uint64_t removed = 0;
    bool updated = false;  // UPDATE is over, whatever came of it
  };

  net::Task<void> run();
  net::Task<bool> implicit_tls();
  net::Task<bool> authorization();
  net::Task<void> transaction();
  net::Task<void> update();

  // login.cpp: one function per way in. True once the maildrop is open.
  net::Task<bool> check_password(pop3::CheckPassword attempt);
  net::Task<bool> check_apop(pop3::CheckApop attempt);
  net::Task<bool> sasl(pop3::StartSasl request);
  net::Task<std::optional<base::Secret>> sasl_response(std::string challenge, std::string mechanism);
  net::Task<bool> logged_in(auth::Identity identity, std::string mechanism, std::unique_ptr<net::Layer> layer,
                            std::string anonymous_password);
  net::Task<bool> is_denied(std::string user, std::string mechanism);
  net::Task<bool> open_maildrop(const cyrus::MaildropName& name);
  net::Task<void> refuse_login(auth::Refusal refusal, std::string mechanism, std::optional<std::string> user,
                               pop3::Line reply);
  net::Task<void> wait_for_turn();
  net::Task<bool> start_tls();

  // policy.cpp: what an administrator wants of sessions.
  /// Counts this session under maxlogins_per_user and maxlogins_per_host. False when it is one too many: answered.
  net::Task<bool> admit(std::string user);
  /// True when the maildrop was found to be gone (disconnect_on_vanished_mailbox): answered and logged.
  net::Task<bool> maildrop_vanished(bool is_last_command);
  /// The session counts no more.
  net::Task<void> discharge();

  // traces.cpp: what stands in the log afterwards.
  void log_login(const auth::Identity& identity, std::string mechanism, const std::string& anonymous_password);
  void log_bad_login(std::string mechanism, std::optional<std::string> user, std::string reason);
  void log_unopened(const base::Error& error, const pop3::Line& reply);
  void log_command(std::string_view line);
  /// Keeps the reason why a read or write failed, unless a better one is known.
  void lost(const base::Error& error);
  void audit(AuditedAction action, maildrop::Uid uid) const;
  /// For each message that UPDATE removed. Any thread; the session waits.
  void audit_removed(const maildrop::UpdateReport& report) const;
  SessionFacts facts() const;
  void log_end();
  /// Opens the file, if anybody wants to see this user's sessions. On the store pool.
  std::unique_ptr<Telemetry> open_telemetry(const std::string& user);
  /// From the reply to the login on: nothing that went before is ever shown.
  void begin_telemetry();
  void log_telemetry_trouble();

  /// The next line that is a command; lines that are none are answered here. nullopt: the peer is gone or too slow.
  net::Task<std::optional<pop3::Command>> next_command(pop3::State state);
  /// Answers what is no command. False: it was one too many, and the session ends.
  bool bear(const pop3::BadCommand& bad, pop3::State state);
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
  /// Between the client and us, or a proxy that we trust.
  bool has_tls() const { return stream_.is_tls() || tls_at_proxy_; }

  const server::Process& process_;
  std::shared_ptr<const Configured> configured_;
  const Settings& settings_;  // configured_'s
  net::Endpoint peer_;
  net::Endpoint local_;
  std::string id_;
  const net::Clock::time_point arrived_;
  const bool tls_ends_at_proxy_;  // see note_tls()
  const bool tls_at_proxy_;       // and it counts
  TelemetryWriter& telemetry_writer_;
  std::unique_ptr<Telemetry> telemetry_;  // null: none. Outlives the stream, which shows it what passes
  std::unique_ptr<server::LoginGuard> guard_;
  net::Stream stream_;
  pop3::Authorization authorization_;
  std::string apop_challenge_;               // of the greeting; empty: there was none
  bool ending_ = false;                      // AUTHORIZATION is over, without a login
  std::unique_ptr<const net::TlsInfo> tls_;  // null: no TLS
  std::string user_;                         // as the log shows it; "": nobody is logged in
  std::string mailbox_;                      // internal name, for the log
  std::unique_ptr<maildrop::Maildrop> drop_;
  server::ProcEntry proc_entry_;
  net::Clock::time_point looked_for_maildrop_{};
  std::uint64_t login_ticket_ = 0;  // of configured_->logins; 0: none
  Counts counts_;
  unsigned bad_commands_ = 0;  // before login in all, behind it in a row
  bool waits_for_command_ = false;
  SessionEnd end_ = SessionEnd::peer_lost;
  std::optional<net::Clock::time_point> over_;  // when there was nothing left to say
  std::unique_ptr<const rusage> used_before_;   // null: other sessions run in this process too
};

}  // namespace pop3d
