#include "server/auth_queue.hpp"

#include "net/spawn.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <exception>
#include <utility>

namespace server {
namespace {

struct Waiting {
  Waiting(net::Loop& loop, std::string from) : address(std::move(from)), turn(loop) {}
  std::string address;
  net::Event turn;  // notified once a thread is free for it
};

struct Share {
  std::size_t busy = 0;  // threads, lost ones included
  std::size_t lost = 0;
};

}  // namespace

struct AuthQueue::State {
  State(net::Loop& on, net::WorkerPool& of, std::size_t count, net::Clock::duration time)
      : loop(on), pool(of), threads(count), share(std::max<std::size_t>(count - 1, 1)), patience(time) {}

  net::Loop& loop;
  net::WorkerPool& pool;
  const std::size_t threads;
  const std::size_t share;  // threads that one address may have
  const net::Clock::duration patience;
  std::size_t busy = 0;
  std::size_t lost = 0;
  std::map<std::string, Share> shares;  // of addresses that have a thread
  std::list<Waiting*> waiting;

  std::size_t busy_of(const std::string& address) const {
    const auto found = shares.find(address);
    return found == shares.end() ? 0 : found->second.busy;
  }
  bool has_room(const std::string& address) const { return busy < threads && busy_of(address) < share; }
  bool is_hopeless(const std::string& address) const {
    const auto found = shares.find(address);
    return lost >= threads || (found != shares.end() && found->second.lost >= share);
  }

  void take(const std::string& address) {
    ++busy;
    ++shares[address].busy;
  }

  void give_back(const std::string& address, bool was_lost) {
    auto& of_address = shares[address];
    --busy;
    --of_address.busy;
    if (was_lost) {
      --lost;
      --of_address.lost;
    }
    if (of_address.busy == 0) shares.erase(address);
    let_next();
  }

  void lose(const std::string& address) {
    ++lost;
    ++shares[address].lost;
  }

  void let_next() {
    while (busy < threads) {
      auto best = waiting.end();
      for (auto at = waiting.begin(); at != waiting.end(); ++at) {
        if (!has_room((*at)->address)) continue;
        if (best == waiting.end() || busy_of((*at)->address) < busy_of((*best)->address)) best = at;
        if (busy_of((*best)->address) == 0) break;
      }
      if (best == waiting.end()) return;
      Waiting& next = **best;
      waiting.erase(best);
      take(next.address);
      next.turn.notify();
    }
  }
};

namespace {

/// A call on its thread, and what its end is told to.
struct Running {
  Running(net::Loop& loop, std::shared_ptr<AuthCall> what) : call(std::move(what)), over(loop) {}
  std::shared_ptr<AuthCall> call;
  net::Event over;
  bool done = false;
  bool lost = false;
};

}  // namespace

AuthQueue::AuthQueue(net::Loop& loop, net::WorkerPool& pool, std::size_t threads, net::Clock::duration patience)
    : state_(std::make_shared<State>(loop, pool, threads, patience)) {}

AuthQueue::~AuthQueue() = default;

std::size_t AuthQueue::lost() const { return state_->lost; }
std::size_t AuthQueue::waiting() const { return state_->waiting.size(); }

namespace {

/// Not waited for: it ends when the back end lets it.
template <class State>
net::Task<void> execute(std::shared_ptr<State> state, std::shared_ptr<Running> running, std::string address) {
  auto work = [running] { running->call->run(); };
  try {
    co_await state->pool.run(std::move(work));
    running->done = true;
  } catch (const std::exception&) {
    // No memory for the way to the thread: as if nobody had answered.
  }
  running->over.notify();
  state->give_back(address, running->lost);
}

}  // namespace

net::Task<bool> AuthQueue::run(std::string address, std::shared_ptr<AuthCall> call) {
  const auto state = state_;
  const auto key = auth_neighbourhood(address);
  const auto give_up = net::Clock::now() + state->patience;
  if (state->is_hopeless(key)) co_return false;

  if (state->has_room(key)) {
    state->take(key);
  } else {
    Waiting self(state->loop, key);
    // Also when the session is destroyed while it waits.
    struct Leave {
      explicit Leave(State& of, Waiting& who) : state(of), waiting(who) {}
      Leave(const Leave&) = delete;
      Leave& operator=(const Leave&) = delete;
      ~Leave() { state.waiting.remove(&waiting); }
      State& state;
      Waiting& waiting;
    };
    state->waiting.push_back(&self);
    const Leave leave(*state, self);
    const bool my_turn = co_await self.turn.wait_for(state->patience);
    if (!my_turn) co_return false;
  }

  const auto running = std::make_shared<Running>(state->loop, std::move(call));
  net::spawn(state->loop, execute(state, running, key));
  const auto left = std::max<net::Clock::duration>(give_up - net::Clock::now(), std::chrono::milliseconds(1));
  const bool over = co_await running->over.wait_for(left);
  if (over) co_return running->done;
  running->lost = true;
  state->lose(key);
  co_return false;
}

std::string auth_neighbourhood(const std::string& ip) {
  constexpr std::size_t kNetworkOctets = 8;
  std::array<unsigned char, sizeof(in6_addr)> octets{};
  if (::inet_pton(AF_INET6, ip.c_str(), octets.data()) != 1) return ip;
  std::fill(octets.begin() + kNetworkOctets, octets.end(), static_cast<unsigned char>(0));
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* shown = ::inet_ntop(AF_INET6, octets.data(), text.data(), text.size());
  return shown != nullptr ? shown : ip;
}

}  // namespace server
