#include "lmtpd/session.hpp"

#include "lmtp/parse_command.hpp"

#include <exception>
#include <utility>

namespace lmtpd {
namespace {

/// RFC 5321 s4.5.3.2.7: at least five minutes. Cyrus: six.
constexpr std::chrono::seconds kIdleTimeout{360};
/// How long a stranger may take to log in.
constexpr std::chrono::seconds kLoginDeadline{180};
/// Lines that are no commands, from a stranger.
constexpr unsigned kMaxBadCommands = 20;
/// How long a client may take to read our last words.
constexpr std::chrono::seconds kClosePatience{5};

/// Of a shutdown file; RFC 5321 s4.5.3.1.5 has 512 octets for a reply.
constexpr std::size_t kMaxShutdownText = 400;

}  // namespace

Session::Session(const server::Process& process, std::shared_ptr<const Configured> configured, server::Arrival client,
                 std::string id)
    : process_(process),
      configured_(std::move(configured)),
      settings_(configured_->settings),
      peer_(std::move(client.peer)),
      local_(std::move(client.local)),
      id_(std::move(id)),
      trusted_(settings_.rules.trusted || (net::is_unix_socket(client.socket.value()) && !client.proxied)),
      arrived_(client.at),
      guard_(std::move(client.guard)),
      stream_(process.loop, std::move(client.socket)),
      proc_entry_(settings_.proc_directory, settings_.service, process.log) {
  process_.client_names.want(peer_.ip);
}

net::Task<void> Session::serve() {
  try {
    co_await run();
  } catch (const std::exception& error) {
    // Out of memory, or a defect: this session ends, the process and the other sessions live.
    process_.log.error("session <" + id_ + "> failed: " + error.what());
  }
}

void Session::cancel() {
  cancelled_ = true;
  if (!delivering_) stream_.cancel();
}

net::Task<void> Session::run() {
  process_.log.debug("connection from " + client() + (trusted_ ? " preauth'd as postman" : ""));
  proc_entry_.show(client(), "", "");
  stream_.set_idle_timeout(kIdleTimeout);
  if (trusted_) guard_->let_in();
  if (!trusted_) stream_.set_deadline(arrived_ + kLoginDeadline);
  put(lmtp::greeting(settings_.rules.server_name, settings_.software));
  for (bool goes_on = true; goes_on && !cancelled_;) {
    auto command = co_await next_command();
    if (!command) break;
    auto step = conversation_.step(std::move(*command), rules());
    goes_on = co_await obey(std::move(step));
  }
  co_await stream_.close(kClosePatience);
}

// Lines that are no commands are answered here. nullopt: the peer is gone, too slow, or talks nonsense.
net::Task<std::optional<lmtp::Command>> Session::next_command() {
  for (;;) {
    if (tell_shutdown()) co_return std::nullopt;
    waits_for_command_ = true;
    const auto line = co_await stream_.read_line(lmtp::kMaxCommandOctets);
    waits_for_command_ = false;
    if (!line && line.error().code == base::Errc::timeout && !tell_shutdown())
      put(lmtp::reply(421, "4.4.1", "bye: nothing came for too long"));
    if (!line && line.error().code != base::Errc::limit) co_return std::nullopt;
    auto command = line ? lmtp::parse_command(*line) : tl::unexpected(lmtp::overlong_line());
    if (command) co_return std::move(*command);
    put(command.error());
    if (!trusted_ && user_.empty() && ++bad_commands_ >= kMaxBadCommands) {
      put(lmtp::closing("Too many bad commands"));
      co_return std::nullopt;
    }
  }
}

// Cyrus: looked at before each command.
bool Session::tell_shutdown() {
  const std::string* text = process_.shutdown.text();
  if (text == nullptr) return false;
  std::string shown = text->substr(0, kMaxShutdownText);
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  put(lmtp::closing(shown));
  return true;
}

net::Task<bool> Session::obey(lmtp::Step step) {
  if (const auto* reply = std::get_if<lmtp::Reply>(&step)) {
    put(*reply);
    if (!conversation_.envelope()) end_transaction();
    co_return true;
  }
  if (const auto* last = std::get_if<lmtp::Finish>(&step)) {
    put(last->reply);
    co_return false;
  }
  if (auto* recipient = std::get_if<lmtp::CheckRecipient>(&step)) {
    co_await check_recipient(std::move(*recipient));
    co_return true;
  }
  if (auto* request = std::get_if<lmtp::StartSasl>(&step)) {
    co_await sasl(std::move(*request));
    if (!guard_->is_used_up()) co_return true;
    put(lmtp::closing("Too many failed logins"));
    co_return false;
  }
  if (std::holds_alternative<lmtp::BeginTls>(step)) co_return co_await start_tls();
  co_return co_await receive_message();
}

void Session::end_transaction() {
  conversation_.end_transaction();
  deliveries_.clear();
  partition_.clear();
}

lmtp::Rules Session::rules() {
  lmtp::Rules out = settings_.rules;
  out.session_id = id_;
  out.trusted = trusted_;
  out.starttls_offered = out.starttls_offered && !trusted_;
  out.tls_active = stream_.is_tls();
  out.authenticated = !user_.empty();
  if (!trusted_ && user_.empty()) out.mechanisms = process_.authenticator.mechanisms(channel());
  return out;
}

auth::Channel Session::channel() const {
  auth::Channel out;
  out.service = "lmtp";
  out.local_ip = local_.ip;
  out.local_port = local_.port;
  out.peer_ip = peer_.ip;
  out.peer_port = peer_.port;
  out.tls = stream_.is_tls();
  out.external_ssf = tls_ ? tls_->bits : 0;
  return out;
}

}  // namespace lmtpd
