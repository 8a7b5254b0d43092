#pragma once

#include "net/event.hpp"
#include "net/timer.hpp"
#include "net/worker_pool.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace server {

/// One call into a password back end. Owns all that it needs: it may go on long after whoever asked has gone.
class AuthCall {
 public:
  AuthCall() = default;
  AuthCall(const AuthCall&) = delete;
  AuthCall& operator=(const AuthCall&) = delete;
  virtual ~AuthCall() = default;

  /// May block, without end. Runs on a thread of the pool; must not throw.
  virtual void run() noexcept = 0;
};

/// The way of all logins to the threads of the authentication pool, which a back end that hangs (libsasl2 waits for
/// saslauthd without a limit) must not turn into a heap of waiting clients.
///
/// A call is waited for no longer than `patience`, waiting for a thread included; then its client is answered, and the
/// thread is lost until the back end answers or dies. No address has all threads while there are two or more. When the
/// threads that a client could get are all lost, it is told so at once. Among waiting calls, those of addresses that
/// have the fewest threads go first, then the oldest.
///
/// Loop only. The pool must outlive it; calls under way may outlive it.
class AuthQueue {
 public:
  /// `threads` is the size of the pool, which nobody else uses.
  AuthQueue(net::Loop& loop, net::WorkerPool& pool, std::size_t threads, net::Clock::duration patience);
  ~AuthQueue();
  AuthQueue(const AuthQueue&) = delete;
  AuthQueue& operator=(const AuthQueue&) = delete;

  /// Runs `call`. True when it is done; false when nobody waits for it any more: don't look into it then.
  /// `address` is the client's, "" for a Unix socket; an IPv6 client has its /64.
  net::Task<bool> run(std::string address, std::shared_ptr<AuthCall> call);

  /// Threads that are busy with calls that nobody waits for.
  std::size_t lost() const;
  /// Calls that wait for a thread.
  std::size_t waiting() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the calls under way
};

/// What counts as one address: an IPv6 address by its first 64 bits.
std::string auth_neighbourhood(const std::string& ip);

}  // namespace server
