#pragma once

#include "auth/authenticator.hpp"
#include "net/layer.hpp"
#include "net/task.hpp"
#include "server/process.hpp"

#include <memory>
#include <optional>
#include <string>

namespace server {

/// One attempt to log in: an auth::Exchange whose steps run on the authentication pool, by way of its queue, and are
/// waited for in bounded time. A step that nobody answered in time is a temporary refusal and ends the attempt.
class LoginAttempt {
 public:
  /// `process` outlives the attempt. Cheap: libsasl2 is first asked by the first step.
  LoginAttempt(const Process& process, auth::Channel channel);
  ~LoginAttempt();
  LoginAttempt(const LoginAttempt&) = delete;
  LoginAttempt& operator=(const LoginAttempt&) = delete;

  // As those of auth::Exchange.
  net::Task<auth::Exchange::Outcome> start(std::string mechanism, std::optional<base::Secret> initial_response);
  net::Task<auth::Exchange::Outcome> step(base::Secret response);
  net::Task<auth::Exchange::Outcome> check_password(std::string user, base::Secret password);
  net::Task<auth::Exchange::Outcome> check_apop(std::string challenge, std::string user, std::string digest);

  net::Task<base::Result<bool>> knows(std::string user);

  /// Behind an identity: the security layer that was negotiated, to be switched on behind the positive reply; null when
  /// there is none. It keeps what it needs of the exchange.
  std::unique_ptr<net::Layer> take_layer();

 private:
  class Call;
  net::Task<auth::Exchange::Outcome> run(std::shared_ptr<Call> call);

  const Process& process_;
  const auth::Channel channel_;
  std::shared_ptr<auth::Exchange> exchange_;  // null until the first step; also with a call that goes on without us
};

}  // namespace server
