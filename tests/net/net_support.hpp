#pragma once

#include "base/unique_fd.hpp"
#include "net/task.hpp"
#include "net/tls_context.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>

/// What the tests of net/ share: real sockets, a blocking peer, a loop that runs one coroutine to its end.
namespace net::testing {

/// Starts `task` on the loop. A failure of it is a failure of the test.
inline void spawn(Loop& loop, Task<void> task) {
  if (loop.stopped()) loop.restart();
  boost::asio::co_spawn(loop, std::move(task), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

/// Runs `task` and whatever it starts until the loop has no work left.
inline void run(Loop& loop, Task<void> task) {
  spawn(loop, std::move(task));
  loop.run();
}

struct Pair {
  base::UniqueFd ours;
  base::UniqueFd theirs;
};
/// Two ends of a Unix stream socket.
Pair socket_pair();
/// Two ends of a TCP connection over 127.0.0.1.
Pair tcp_pair();
/// A listening TCP socket on a free port of 127.0.0.1.
base::UniqueFd listening_socket();
/// A blocking connection to `listening`.
base::UniqueFd connect_to(int listening);

/// Writes all of `text`; false when the peer is gone.
bool send_all(int fd, std::string_view text);
/// Reads until `size` octets are there or the peer ends; at most 20 s.
std::string receive(int fd, std::size_t size);
/// Reads to the end of file.
std::string receive_all(int fd);

/// A folder with a fresh key and a self-signed certificate, removed afterwards.
class KeyFiles {
 public:
  KeyFiles();
  KeyFiles(const KeyFiles&) = delete;
  KeyFiles& operator=(const KeyFiles&) = delete;
  ~KeyFiles();

  std::filesystem::path folder;
  std::string certificate;
  std::string key;

  TlsOptions options() const;
  std::unique_ptr<TlsContext> context() const;
};

/// A thread that plays the client; joined by the destructor.
class Peer {
 public:
  explicit Peer(std::function<void()> script) : thread_(std::move(script)) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace net::testing
