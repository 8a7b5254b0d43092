#include "server/login_attempt.hpp"

#include "server/auth_queue.hpp"

#include <exception>
#include <utility>

namespace server {
namespace {

using Outcome = auth::Exchange::Outcome;

Outcome temporary(std::string reason) {
  Outcome outcome;
  outcome.refusal.emplace(auth::Refusal::Kind::temporary, std::move(reason));
  return outcome;
}

class ExchangeLayer final : public net::Layer {
 public:
  explicit ExchangeLayer(std::shared_ptr<auth::Exchange> exchange) : exchange_(std::move(exchange)) {}
  base::Result<std::string> wrap(std::string_view plain) override { return exchange_->wrap(plain); }
  base::Result<std::string> unwrap(std::string_view arrived) override { return exchange_->unwrap(arrived); }

 private:
  std::shared_ptr<auth::Exchange> exchange_;
};

}  // namespace

/// What a thread does. Names in `first` and `second` depend on the step; the secret goes when the step is over.
class LoginAttempt::Call final : public AuthCall {
 public:
  using Step = Outcome (*)(auth::Exchange&, Call&);

  Call(auth::Authenticator& authenticator, auth::Channel with, std::shared_ptr<auth::Exchange> running, Step step)
      : exchange(std::move(running)), authenticator_(authenticator), channel_(std::move(with)), step_(step) {}

  void run() noexcept override {
    try {
      if (!exchange) {
        auto begun = authenticator_.begin(channel_);
        if (!begun) {
          outcome = temporary(begun.error().text);
          return;
        }
        exchange = std::move(*begun);
      }
      outcome = step_(*exchange, *this);
    } catch (const std::exception& error) {
      failure = error.what();
    }
  }

  std::string first;
  std::string second;
  std::optional<base::Secret> secret;

  std::shared_ptr<auth::Exchange> exchange;
  Outcome outcome;
  std::optional<base::Result<bool>> known;
  std::optional<std::string> failure;

 private:
  auth::Authenticator& authenticator_;
  const auth::Channel channel_;
  const Step step_;
};

LoginAttempt::LoginAttempt(const Process& process, auth::Channel channel)
    : process_(process), channel_(std::move(channel)) {}

LoginAttempt::~LoginAttempt() = default;

net::Task<Outcome> LoginAttempt::run(std::shared_ptr<Call> call) {
  const bool done = co_await process_.auth_queue.run(channel_.peer_ip, call);
  // The exchange now belongs to the thread that is stuck in it.
  if (!done) exchange_.reset();
  if (!done) co_return temporary("no answer in time");
  if (call->failure) co_return temporary(std::move(*call->failure));
  exchange_ = std::move(call->exchange);
  co_return std::move(call->outcome);
}

net::Task<Outcome> LoginAttempt::start(std::string mechanism, std::optional<base::Secret> initial_response) {
  auto call = std::make_shared<Call>(
      process_.authenticator, channel_, nullptr,
      [](auth::Exchange& exchange, Call& with) { return exchange.start(with.first, std::move(with.secret)); });
  call->first = std::move(mechanism);
  call->secret = std::move(initial_response);
  return run(std::move(call));
}

net::Task<Outcome> LoginAttempt::step(base::Secret response) {
  auto call = std::make_shared<Call>(
      process_.authenticator, channel_, exchange_,
      [](auth::Exchange& exchange, Call& with) { return exchange.step(std::move(*with.secret)); });
  call->secret = std::move(response);
  return run(std::move(call));
}

net::Task<Outcome> LoginAttempt::check_password(std::string user, base::Secret password) {
  auto call =
      std::make_shared<Call>(process_.authenticator, channel_, nullptr, [](auth::Exchange& exchange, Call& with) {
        return exchange.check_password(with.first, std::move(*with.secret));
      });
  call->first = std::move(user);
  call->secret = std::move(password);
  return run(std::move(call));
}

net::Task<Outcome> LoginAttempt::check_apop(std::string challenge, std::string user, std::string digest) {
  auto call =
      std::make_shared<Call>(process_.authenticator, channel_, nullptr, [](auth::Exchange& exchange, Call& with) {
        return exchange.check_apop(with.first, with.second, with.secret->view());
      });
  call->first = std::move(challenge);
  call->second = std::move(user);
  call->secret.emplace(digest);
  return run(std::move(call));
}

net::Task<base::Result<bool>> LoginAttempt::knows(std::string user) {
  auto call =
      std::make_shared<Call>(process_.authenticator, channel_, nullptr, [](auth::Exchange& exchange, Call& with) {
        with.known = exchange.knows(with.first);
        return Outcome();
      });
  call->first = std::move(user);
  auto outcome = co_await run(call);
  if (outcome.refusal) co_return base::fail(base::Errc::timeout, std::move(outcome.refusal->reason));
  co_return std::move(*call->known);
}

std::unique_ptr<net::Layer> LoginAttempt::take_layer() {
  if (!exchange_ || !exchange_->has_layer()) return nullptr;
  return std::make_unique<ExchangeLayer>(exchange_);
}

}  // namespace server
