#pragma once

#include "auth/authenticator.hpp"
#include "lmtp/conversation.hpp"
#include "lmtpd/incoming.hpp"
#include "lmtpd/trace_headers.hpp"
#include "lmtpd/wiring.hpp"
#include "net/stream.hpp"
#include "server/proc_entry.hpp"
#include "server/service.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lmtpd {

/// How long a session waits before it asks again for a lock that somebody else holds.
inline constexpr std::chrono::milliseconds kLockRetry{20};

/// One client's session, from greeting to close (RFC 2033 s4). Reads like the protocol; what is decided where stands in
/// lmtp/, what blocks runs on the pools.
class Session final : public server::Session {
 public:
  /// `process` outlives the session. `id` is shown to the client and in the log.
  Session(const server::Process& process, std::shared_ptr<const Configured> configured, server::Arrival client,
          std::string id);

  net::Task<void> serve() override;

  /// Ends the session. A message that has been received is still delivered and answered.
  void cancel() override;

  /// A client that waits for our next reply, or sends a message, hears of it behind that.
  void shut_down() override {
    if (waits_for_command_) stream_.set_deadline(net::Clock::now());
  }

 private:
  net::Task<void> run();
  net::Task<bool> obey(lmtp::Step step);  // false: the session ends
  net::Task<std::optional<lmtp::Command>> next_command();
  bool tell_shutdown();

  // recipients.cpp
  net::Task<void> check_recipient(lmtp::CheckRecipient wanted);
  net::Task<base::Result<cyrus::Recipient>> find(cyrus::DeliveryRequest request);
  net::Task<bool> has_password(std::string user);

  // receive.cpp
  net::Task<bool> receive_message();
  net::Task<bool> read_message(Incoming& incoming, std::string& last_piece);
  net::Task<void> deliver(Incoming& incoming, std::string last_piece);
  void answer(const Incoming& incoming, const Delivery& delivery);
  cyrus::IntakeOptions intake_options();
  void end_transaction();

  // login.cpp
  net::Task<void> sasl(lmtp::StartSasl request);
  net::Task<std::optional<base::Secret>> sasl_response(std::string challenge);
  net::Task<auth::Exchange::Outcome> exchange(lmtp::StartSasl request, std::optional<base::Secret> initial, bool& lost);
  net::Task<void> refuse_login(auth::Refusal refusal, std::string mechanism);
  net::Task<bool> start_tls();

  void put(const lmtp::Reply& reply) { stream_.output() += reply.text; }
  auth::Channel channel() const;
  lmtp::Rules rules();
  std::string client() const { return process_.client_names.shown(peer_.ip); }

  const server::Process& process_;
  std::shared_ptr<const Configured> configured_;
  const Settings& settings_;  // configured_'s
  net::Endpoint peer_;
  net::Endpoint local_;
  std::string id_;
  bool trusted_;
  const net::Clock::time_point arrived_;
  std::unique_ptr<server::LoginGuard> guard_;
  net::Stream stream_;
  lmtp::Conversation conversation_;
  std::string user_;                         // who logged in
  std::unique_ptr<const net::TlsInfo> tls_;  // null: no TLS
  std::vector<Delivery> deliveries_;         // of the transaction under way
  std::string partition_;                    // of the first of them
  unsigned transactions_ = 0;
  unsigned bad_commands_ = 0;
  bool delivering_ = false;
  bool waits_for_command_ = false;
  bool cancelled_ = false;
  server::ProcEntry proc_entry_;
};

}  // namespace lmtpd
