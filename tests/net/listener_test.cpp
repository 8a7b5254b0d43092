#include "net/listener.hpp"

#include "net_support.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <optional>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace net {
namespace {

using base::Errc;
using testing::connect_to;
using testing::listening_socket;
using testing::run;
using testing::spawn;
using namespace std::chrono_literals;

base::UniqueFd duplicate(const base::UniqueFd& fd) { return base::UniqueFd(::fcntl(fd.value(), F_DUPFD_CLOEXEC, 0)); }

struct Outcome {
  int accepted = 0;
  std::optional<base::Error> error;
  std::vector<Accepted> connections;
};

// Accepts until `count` connections have come or an error other than would_block does.
Task<void> accept_some(Listener& listener, int count, Outcome& outcome) {
  while (outcome.accepted < count) {
    auto connection = co_await listener.accept();
    if (connection) {
      ++outcome.accepted;
      outcome.connections.push_back(std::move(*connection));
    } else if (connection.error().code != Errc::would_block) {
      outcome.error = connection.error();
      co_return;
    }
  }
}

TEST(Listener, SeesConnectionsThatCameBeforeItAndThoseThatComeLater) {
  auto socket = listening_socket();
  const auto address = duplicate(socket);
  const auto early = connect_to(address.value());
  Loop loop;
  Listener listener(loop, std::move(socket));
  Outcome outcome;
  spawn(loop, accept_some(listener, 2, outcome));
  loop.run_for(50ms);
  EXPECT_EQ(outcome.accepted, 1);
  const auto late = connect_to(address.value());
  loop.run_for(10s);
  EXPECT_EQ(outcome.accepted, 2);
}

TEST(Listener, GivesNonBlockingConnectionsWithBothEnds) {
  auto socket = listening_socket();
  const auto client = connect_to(socket.value());
  Loop loop;
  Listener listener(loop, std::move(socket));
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  ASSERT_EQ(outcome.accepted, 1);
  const Accepted& connection = outcome.connections.front();
  EXPECT_EQ(connection.peer.ip, "127.0.0.1");
  EXPECT_EQ(connection.peer.port, local_of(client.value()).port);
  EXPECT_EQ(connection.local.ip, "127.0.0.1");
  EXPECT_EQ(connection.local.port, peer_of(client.value()).port);
  EXPECT_NE(::fcntl(connection.socket.value(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(connection.socket.value(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Listener, WritesAnIpv4ClientOfAnIpv6SocketAsIpv4) {
  base::UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) GTEST_SKIP() << "no IPv6 here";
  const int off = 0;
  ::setsockopt(socket.value(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  sockaddr_in6 any = {};
  any.sin6_family = AF_INET6;
  if (::bind(socket.value(), reinterpret_cast<sockaddr*>(&any), sizeof(any)) != 0) GTEST_SKIP() << "no IPv6 here";
  ASSERT_EQ(::listen(socket.value(), 5), 0);
  socklen_t length = sizeof(any);
  ASSERT_EQ(::getsockname(socket.value(), reinterpret_cast<sockaddr*>(&any), &length), 0);
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v4.sin_port = any.sin6_port;
  const base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.value(), reinterpret_cast<sockaddr*>(&v4), sizeof(v4)), 0);
  Loop loop;
  Listener listener(loop, std::move(socket));
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  EXPECT_EQ(outcome.connections.front().peer.ip, "127.0.0.1");
  EXPECT_EQ(outcome.connections.front().local.ip, "127.0.0.1");
}

TEST(Listener, GivesNoAddressForAUnixSocketOrAPipe) {
  const auto pair = testing::socket_pair();
  EXPECT_EQ(peer_of(pair.ours.value()).ip, "");
  EXPECT_EQ(local_of(pair.ours.value()).port, 0U);
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const base::UniqueFd a(fds[0]);
  const base::UniqueFd b(fds[1]);
  EXPECT_EQ(peer_of(a.value()).ip, "");
}

TEST(Listener, TakesABurstOfConnections) {
  auto socket = listening_socket();
  const auto address = duplicate(socket);
  Loop loop;
  Listener listener(loop, std::move(socket));
  Outcome outcome;
  spawn(loop, accept_some(listener, 200, outcome));
  testing::Peer clients([&] {
    std::vector<base::UniqueFd> connections;
    for (int i = 0; i < 200; ++i) connections.push_back(connect_to(address.value()));
  });
  loop.run_for(20s);
  EXPECT_EQ(outcome.accepted, 200);
}

TEST(Listener, SaysThatTheServiceWasRemovedWhenMasterShutsTheSocketDown) {
  auto socket = listening_socket();
  const auto masters = duplicate(socket);
  Loop loop;
  Listener listener(loop, std::move(socket));
  Outcome outcome;
  spawn(loop, accept_some(listener, 1, outcome));
  loop.run_for(20ms);
  ::shutdown(masters.value(), SHUT_RDWR);
  loop.run_for(10s);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::closed);
  EXPECT_EQ(outcome.error->errnum, EINVAL);
}

TEST(Listener, ReportsThatNoDescriptorIsLeft) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP()
      << "the undefined-behaviour sanitizer needs descriptors to look at memory, and reports a type error without";
#endif
  auto socket = listening_socket();
  const auto client = connect_to(socket.value());
  Loop loop;
  Listener listener(loop, std::move(socket));
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::limit);
  EXPECT_EQ(outcome.error->errnum, EMFILE);
  outcome.error.reset();
  run(loop, accept_some(listener, 1, outcome));
  EXPECT_EQ(outcome.accepted, 1);
}

TEST(Listener, CancelEndsTheWaitAndALaterAcceptStartsAgain) {
  auto socket = listening_socket();
  const auto address = duplicate(socket);
  Loop loop;
  Listener listener(loop, std::move(socket));
  for (int i = 0; i < 50; ++i) {
    Outcome outcome;
    spawn(loop, accept_some(listener, 1, outcome));
    loop.poll();
    listener.cancel();
    loop.run_for(10s);
    ASSERT_TRUE(outcome.error.has_value());
    ASSERT_EQ(outcome.error->code, Errc::closed);
  }
  const auto client = connect_to(address.value());
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  EXPECT_EQ(outcome.accepted, 1);
}

TEST(Listener, MayBeDestroyedWhileAcceptWaits) {
  Loop loop;
  std::optional<Listener> listener;
  listener.emplace(loop, listening_socket());
  Outcome outcome;
  spawn(loop, accept_some(*listener, 1, outcome));
  loop.run_for(5ms);
  // accept_some() would use the listener again on would_block only; closed ends it.
  listener.reset();
  loop.run();
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::closed);
}

TEST(Listener, OutlivesItsLoop) {
  std::optional<Loop> loop(std::in_place);
  auto socket = listening_socket();
  const auto address = duplicate(socket);
  Listener listener(*loop, std::move(socket));
  Outcome outcome;
  spawn(*loop, accept_some(listener, 1, outcome));
  loop->run_for(5ms);
  loop.reset();
  const auto client = connect_to(address.value());
  std::this_thread::sleep_for(5ms);
  EXPECT_EQ(outcome.accepted, 0);
}

Task<void> look(Listener& listener, Clock::duration time, std::optional<bool>& found) {
  found = co_await listener.wait_readable(time);
}

TEST(Listener, WaitReadableTakesNothing) {
  auto socket = listening_socket();
  const auto address = duplicate(socket);
  Loop loop;
  Listener listener(loop, std::move(socket));
  std::optional<bool> found;
  run(loop, look(listener, 30ms, found));
  EXPECT_EQ(found, false);
  found.reset();
  spawn(loop, look(listener, 20s, found));
  loop.run_for(5ms);
  EXPECT_FALSE(found.has_value());
  const auto client = connect_to(address.value());
  loop.run_for(10s);
  EXPECT_EQ(found, true);
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  EXPECT_EQ(outcome.accepted, 1);
}

TEST(Listener, CancelEndsWaitReadable) {
  Loop loop;
  Listener listener(loop, listening_socket());
  std::optional<bool> found;
  spawn(loop, look(listener, 1h, found));
  loop.run_for(5ms);
  listener.cancel();
  loop.run_for(10s);
  EXPECT_EQ(found, false);
}

TEST(Listener, CountsThoseWhoWaitAndTakesThemWithoutWaiting) {
  auto socket = listening_socket();
  const auto address = duplicate(socket);
  Loop loop;
  Listener listener(loop, std::move(socket));
  EXPECT_EQ(listener.waiting(), 0U);
  auto nobody = listener.accept_waiting();
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::would_block);
  const auto first = connect_to(address.value());
  const auto second = connect_to(address.value());
  EXPECT_EQ(listener.waiting(), 2U);
  EXPECT_TRUE(listener.accept_waiting());
  EXPECT_EQ(listener.waiting(), 1U);
  ::shutdown(address.value(), SHUT_RDWR);
  EXPECT_EQ(listener.waiting(), 1U);  // so that somebody looks, and hears that the service was removed
  auto removed = listener.accept_waiting();
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Errc::closed);
}

TEST(Listener, TakesConnectionsOfAUnixSocket) {
  const std::string path = "/tmp/listener-test-" + std::to_string(::getpid());
  ::unlink(path.c_str());  // of an earlier process with our number
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(socket.value(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  Loop loop;
  Listener listener(loop, std::move(socket));
  EXPECT_FALSE(listener.counts_waiting());
  EXPECT_EQ(listener.waiting(), 0U);
  const base::UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.value(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::unlink(path.c_str());
  EXPECT_EQ(listener.waiting(), 1U);
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(listener.waiting(), 0U);
}

TEST(Listener, ClosedItFreesThePort) {
  auto socket = listening_socket();
  sockaddr_in address = {};
  socklen_t length = sizeof(address);
  ASSERT_EQ(::getsockname(socket.value(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  Loop loop;
  Listener listener(loop, std::move(socket));
  listener.close();
  EXPECT_EQ(listener.waiting(), 0U);
  Outcome outcome;
  run(loop, accept_some(listener, 1, outcome));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, Errc::closed);
  const base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(::connect(client.value(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}

// A process of its own that serves connections one after another, one octet of its own each, until the socket is
// shut down. Each takes a moment, so that the other one gets its share.
Task<void> serve_octets(Listener& listener, char octet) {
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) {
      if (connection.error().code == Errc::would_block) continue;
      co_return;
    }
    testing::send_all(connection->socket.value(), std::string(1, octet));
    co_await sleep_for(5ms);
  }
}

// Forks it. It begins when an octet (or the end) comes from `gate`, if there is one. Fork before this process has
// threads: the thread sanitizer cannot follow otherwise.
pid_t fork_server(const base::UniqueFd& socket, char octet, int gate = -1) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::alarm(60);
  if (gate >= 0) static_cast<void>(testing::receive(gate, 1));
  {
    Loop loop;
    Listener listener(loop, duplicate(socket));
    run(loop, serve_octets(listener, octet));
  }
  ::_exit(0);
}

TEST(Listener, TwoProcessesShareASocket) {
  const auto socket = listening_socket();
  const pid_t a = fork_server(socket, 'a');
  const pid_t b = fork_server(socket, 'b');
  int from_a = 0;
  int from_b = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<base::UniqueFd> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect_to(socket.value()));
    for (const auto& client : clients) {
      const std::string octet = testing::receive(client.value(), 1);
      from_a += octet == "a" ? 1 : 0;
      from_b += octet == "b" ? 1 : 0;
    }
  }
  ::shutdown(socket.value(), SHUT_RDWR);
  for (const pid_t child : {a, b}) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(from_a + from_b, 200);
  EXPECT_GT(from_a, 0);
  EXPECT_GT(from_b, 0);
}

TEST(Listener, AProcessThatDoesNotAcceptIsNotWokenInThePlaceOfOneThatDoes) {
  const auto socket = listening_socket();
  auto gate = testing::socket_pair();
  const pid_t child = fork_server(socket, 'a', gate.theirs.value());
  Loop loop;
  Listener idle(loop, duplicate(socket));  // the first in the kernel's queue
  Outcome outcome;
  spawn(loop, accept_some(idle, 1, outcome));
  loop.run_for(20ms);
  idle.cancel();
  loop.run_for(1s);
  ASSERT_TRUE(testing::send_all(gate.ours.value(), "g"));
  Clock::duration longest{};
  for (int i = 0; i < 20; ++i) {
    const auto begin = Clock::now();
    const auto client = connect_to(socket.value());
    ASSERT_EQ(testing::receive(client.value(), 1), "a");
    if (i > 0) longest = std::max(longest, Clock::now() - begin);  // the first waits for the child to begin
  }
  EXPECT_LT(longest, 900ms);  // that of the doorbell's own look would be a second
  ::shutdown(socket.value(), SHUT_RDWR);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace net
