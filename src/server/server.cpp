#include "server/server.hpp"

#include "net/spawn.hpp"
#include "net/timer.hpp"
#include "server/front_door.hpp"
#include "server/refuse.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace server {
namespace {

using service::Message;
using std::chrono::seconds;

/// A connection waits for that long and nobody takes any: maxchild is used up, so we answer ourselves.
constexpr seconds kNobodyElseComes{1};
/// How often we look at a port that we do not serve.
constexpr std::chrono::milliseconds kLookEvery{50};
/// Out of descriptors or memory: time for sessions to end.
constexpr std::chrono::milliseconds kResourcePause{100};
/// How long we leave the port to others when the loop lags.
constexpr std::chrono::milliseconds kOthersFirst{100};
constexpr std::chrono::milliseconds kLagBeat{100};
constexpr int kLagBeats = 3;
/// How long sessions may take to end once they were told to: a change of the store under way is finished.
constexpr seconds kStopPatience{10};
/// How often we look whether a reload has brought TLS.
constexpr seconds kTlsComes{10};
constexpr std::chrono::hours kForEver{24 * 365};

net::Clock::duration time_until(net::Clock::time_point when) {
  return std::min<net::Clock::duration>(when - net::Clock::now(), kForEver);
}

/// -T: the original waits n plus a random part of n, so that idle processes do not all leave at once.
net::Clock::duration reuse_time(seconds n) {
  if (n.count() == 0) return kForEver;
  static std::minstd_rand random(std::random_device{}());  // spreads load; nothing secret depends on it
  return n + seconds(std::uniform_int_distribution<seconds::rep>(0, n.count() - 1)(random));
}

}  // namespace

net::Task<void> look_for_shutdown(const Process& process, std::shared_ptr<const Service> service) {
  if (service->shutdown_directory.empty()) {
    process.shutdown.set(std::nullopt);
    co_return;
  }
  auto work = [service = std::move(service)] { return read_shutdown_file(service->shutdown_directory, service->name); };
  process.shutdown.set(co_await process.store_pool.run(std::move(work)));
}

Server::Server(const Process& process, std::shared_ptr<const Service> service, const CommandLine& line,
               net::Listener& listener, service::StatusPipe status)
    : process_(process),
      service_(std::move(service)),
      line_(line),
      listener_(listener),
      status_(status),
      line_outside_(kNobodyElseComes),
      news_(process.loop),
      reuse_(process.loop) {}

net::Task<Drain> Server::run() {
  net::spawn(process_.loop, watch_reuse());
  net::spawn(process_.loop, watch_lag());
  net::spawn(process_.loop, watch_certificates());
  net::spawn(process_.loop, each_second());
  co_await accept_connections();
  tell(Message::unavailable);
  co_await wait_for_sessions();
  co_return drain_;
}

net::Task<void> Server::accept_connections() {
  while (drain_ == Drain::none) {
    if (full()) {
      co_await wait_for_room();
      continue;
    }
    if (lagging_) co_await let_others_accept();
    make_room_for_new_program();
    if (drain_ != Drain::none) continue;
    tell(Message::available);
    auto client = co_await listener_.accept();
    if (!client) {
      if (client.error().code == base::Errc::closed) {
        drain(Drain::service_removed);
      } else if (client.error().code != base::Errc::would_block) {
        process_.log.error("accept: " + client.error().text);
        co_await net::sleep_for(kResourcePause);
      }
      continue;
    }
    if (one_at_a_time()) tell(Message::unavailable);
    // Nothing may follow `unavailable` but `available`: any 4 would make master count us as ready again.
    static_cast<void>(status_.send(one_at_a_time() ? Message::connection : Message::connection_multi));
    net::spawn(process_.loop, serve(std::move(*client)));
    if (++uses_ >= line_.max_uses && !must_stay()) drain(Drain::used_up);
  }
}

// This process cannot keep up: for a moment it leaves the port to its siblings, and master, told so, may fork another.
net::Task<void> Server::let_others_accept() {
  tell(Message::unavailable);
  co_await net::sleep_for(kOthersFirst);
}

net::Task<void> Server::wait_for_room() {
  tell(Message::unavailable);
  while (full() && drain_ == Drain::none) co_await wait_beside_port(kForEver);
  line_outside_.clear();
}

// We hold the listener but take nobody. Other workers do, as long as there are any; when none comes, clients get an
// answer from us instead of waiting for ever.
net::Task<void> Server::wait_beside_port(net::Clock::duration longest) {
  co_await news_.wait_for(std::min<net::Clock::duration>(longest, kLookEvery));
  refuse_who_waits_in_vain();
}

// At a Unix socket clients wait: they are programs of this machine, and a line that moves looks like one that stands.
void Server::refuse_who_waits_in_vain() {
  if (!listener_.counts_waiting()) return;
  line_outside_.look(listener_.waiting(), net::Clock::now());
  while (line_outside_.nobody_comes(net::Clock::now())) {
    auto client = listener_.accept_waiting();
    if (!client) {
      line_outside_.clear();  // somebody did come, or there is no descriptor left: look again later
      if (client.error().code == base::Errc::closed) drain(Drain::service_removed);
      return;
    }
    line_outside_.took_first();
    process_.log.warning("refused connection from " + process_.client_names.shown(client->peer.ip) + ": " +
                         std::to_string(sessions_.size()) + " sessions are open and no other process takes it");
    net::spawn(process_.loop, refuse(process_.loop, std::move(client->socket), service_->no_room));
  }
}

net::Task<void> Server::wait_for_sessions() {
  while (!sessions_.empty() && net::Clock::now() < give_up_) {
    // While master lives, the port is served by others or answered by us. Without it nobody will: so that the next
    // master can bind, it is given up.
    if (drain_ == Drain::used_up || drain_ == Drain::binary_changed) {
      co_await wait_beside_port(time_until(give_up_));
    } else {
      if (drain_ == Drain::master_gone) listener_.close();
      co_await news_.wait_for(time_until(give_up_));
    }
  }
  for (Session* session : sessions_) session->cancel();
  const auto enough = net::Clock::now() + kStopPatience;
  while (!sessions_.empty() && net::Clock::now() < enough) co_await news_.wait_for(time_until(enough));
}

// Sessions of a process that is used up or idle end by themselves; a reason from outside gives them a bounded time.
net::Clock::duration Server::patience() const {
  if (drain_ == Drain::used_up || drain_ == Drain::idle) return kForEver;
  if (drain_ == Drain::stopped) return net::Clock::duration::zero();
  return service_->drain_timeout;
}

net::Task<void> Server::serve(net::Accepted client) {
  const auto session =
      std::make_unique<FrontDoor>(process_, service_, std::move(client), ids_.next(service_->session_id_base));
  sessions_.insert(session.get());
  reuse_.notify();
  co_await session->serve();
  sessions_.erase(session.get());
  news_.notify();
  reuse_.notify();
}

// -T: a process that has served and has nobody left waits that long for its next client. One that nobody ever came to
// stays.
net::Task<void> Server::watch_reuse() {
  while (drain_ == Drain::none) {
    const bool waits = uses_ > 0 && sessions_.empty();
    const bool news = co_await reuse_.wait_for(waits ? reuse_time(line_.reuse_timeout) : kForEver);
    if (!news && waits && sessions_.empty() && !must_stay()) drain(Drain::idle);
  }
}

// A timer that comes late again and again means that the loop has more to do than one core can.
net::Task<void> Server::watch_lag() {
  int late = 0;
  while (drain_ == Drain::none) {
    if (sessions_.empty()) {
      lagging_ = false;
      co_await net::sleep_for(seconds(1));
      continue;
    }
    const auto before = net::Clock::now();
    co_await net::sleep_for(kLagBeat);
    late = net::Clock::now() - before - kLagBeat > kLagBeat / 2 ? late + 1 : 0;
    lagging_ = late >= kLagBeats && !one_at_a_time();
  }
}

net::Task<void> Server::watch_certificates() {
  while (drain_ == Drain::none) {
    const seconds pause = service_->tls ? service_->tls->interval() : kTlsComes;
    co_await net::sleep_for(pause);
    const auto tls = service_->tls;  // held: a reload may replace it meanwhile
    if (tls) co_await tls->look(process_.store_pool);
  }
}

// Also while the process drains: those who are still here are to be told.
net::Task<void> Server::each_second() {
  for (;;) {
    co_await net::sleep_for(seconds(kShutdownLookSeconds));
    const auto service = service_;  // held: a reload may replace it meanwhile
    if (service->every_second && !sessions_.empty()) {
      auto work = [service] { service->every_second(); };
      co_await process_.store_pool.run(std::move(work));
    }
    co_await look_for_shutdown(process_, service);
    if (process_.shutdown.text() == nullptr) continue;
    for (Session* session : sessions_) session->shut_down();
  }
}

void Server::make_room_for_new_program() {
  if (drain_ >= Drain::binary_changed || !program_file_.has_changed()) return;
  process_.log.info("process file has changed");
  drain(Drain::binary_changed);
}

void Server::drain(Drain reason) {
  if (reason <= drain_) return;
  drain_ = reason;
  if (const auto time = patience(); time < kForEver) give_up_ = std::min(give_up_, net::Clock::now() + time);
  listener_.cancel();
  news_.notify();
  reuse_.notify();
}

void Server::tell(Message message) {
  const bool available = message == Message::available;
  if (available == announced_available_) return;
  announced_available_ = available;
  // A failure means that master is gone or does not listen; the watch on the pipe notices the first.
  static_cast<void>(status_.send(message));
}

}  // namespace server
