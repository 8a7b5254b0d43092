#include "net/listener.hpp"

#include "net/doorbell.hpp"
#include "net/loop_end.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace net {

namespace asio = boost::asio;
using base::Errc;
using base::fail;
using base::Result;

namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
// Connections that were lost before they could be accepted, passed over in one call.
constexpr int kMaxLostConnections = 64;
constexpr std::chrono::milliseconds kLookEvery{50};

Endpoint to_endpoint(const sockaddr_storage& address, socklen_t length) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  Endpoint endpoint;
  if (address.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4 = {};
    std::memcpy(&v4, &address, sizeof(v4));
    if (::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size()) != nullptr) endpoint.ip = text.data();
    endpoint.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6 = {};
    std::memcpy(&v6, &address, sizeof(v6));
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);  // the last four octets are the IPv4 address
    const void* const octets = mapped ? static_cast<const void*>(&v6.sin6_addr.s6_addr[12]) : &v6.sin6_addr;
    if (::inet_ntop(mapped ? AF_INET : AF_INET6, octets, text.data(), text.size()) != nullptr) {
      endpoint.ip = text.data();
    }
    endpoint.port = ntohs(v6.sin6_port);
  }
  return endpoint;
}

// Errors of a connection that was already lost when it was accepted: accept(2) passes pending network errors on.
bool is_lost_connection(int error) {
  constexpr std::array kLost = {ECONNABORTED, EPROTO,     ENETDOWN,    ENOPROTOOPT, EHOSTDOWN, ENONET,
                                EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT,   EPERM};
  return std::find(kLost.begin(), kLost.end(), error) != kLost.end();
}

}  // namespace

Accepted::Accepted(base::UniqueFd fd, Endpoint peer_end, Endpoint local_end)
    : socket(std::move(fd)), peer(std::move(peer_end)), local(std::move(local_end)) {}

Endpoint peer_of(int socket) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return to_endpoint(address, length);
}

Endpoint local_of(int socket) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return to_endpoint(address, length);
}

bool is_unix_socket(int socket) {
  int family = AF_UNSPEC;
  socklen_t length = sizeof(family);
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 && family == AF_UNIX;
}

class Listener::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, base::UniqueFd socket);

  // Not in the constructor: the doorbell's thread needs a weak pointer to us.
  void start();
  void cancel();
  void stop();
  void close();

  Result<Accepted> try_accept();
  std::size_t waiting() const;
  bool counts_waiting() const;

  static Task<Result<Accepted>> accept(std::shared_ptr<Impl> self);
  static Task<bool> wait_readable(std::shared_ptr<Impl> self, Clock::duration time);

 private:
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Loop::executor_type>;

  bool is_readable() const;

  base::UniqueFd socket_;
  Loop::executor_type executor_;
  std::optional<Timer> timer_;  // what the operation under way waits for; none once the loop has ended
  std::optional<Doorbell> doorbell_;
  bool armed_ = false;  // accept() waits for the doorbell
  bool rung_ = false;
  bool cancelled_ = false;
  LoopEnd end_;
};

Listener::Impl::Impl(Loop& loop, base::UniqueFd socket)
    : socket_(std::move(socket)),
      executor_(loop.get_executor()),
      timer_(std::in_place, loop.get_executor()),
      end_(loop, [this] { stop(); }) {
  const int flags = ::fcntl(socket_.value(), F_GETFL);
  if (flags < 0 || ::fcntl(socket_.value(), F_SETFL, flags | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::system_category(), "listening socket");
  }
  // Master's backlog of 32 makes a burst of clients repeat their SYN after a second. A failure (a socket that does not
  // listen any more) shows at accept().
  static_cast<void>(::listen(socket_.value(), kBacklog));
}

void Listener::Impl::start() {
  doorbell_.emplace(socket_.value(), [executor = executor_, weak = weak_from_this()] {
    asio::post(executor, [weak] {
      const auto self = weak.lock();
      if (!self || !self->timer_) return;
      self->rung_ = true;
      self->timer_->cancel();
    });
  });
}

void Listener::Impl::cancel() {
  cancelled_ = true;
  // Not when the doorbell has rung, though the loop may not have heard it yet: see the header.
  if (armed_ && !doorbell_->disarm()) return;
  armed_ = false;
  if (timer_) timer_->cancel();
}

void Listener::Impl::stop() {
  cancelled_ = true;
  armed_ = false;
  doorbell_.reset();
  timer_.reset();
}

void Listener::Impl::close() {
  doorbell_.reset();  // it watches the descriptor
  socket_.reset();
}

Result<Accepted> Listener::Impl::try_accept() {
  if (!socket_) return fail(Errc::closed, "accept: the socket is closed");
  for (int lost = 0; lost < kMaxLostConnections;) {
    sockaddr_storage address = {};
    socklen_t length = sizeof(address);
    base::UniqueFd connection(
        ::accept4(socket_.value(), reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection) {
      Endpoint local = local_of(connection.value());
      return Accepted(std::move(connection), to_endpoint(address, length), std::move(local));
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) break;
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
      return tl::unexpected(base::Error(Errc::limit, std::string("accept: ") + std::strerror(error), error));
    }
    if (error == EINVAL) return tl::unexpected(base::Error(Errc::closed, "accept: not listening any more", error));
    if (is_lost_connection(error)) {
      ++lost;
    } else if (error != EINTR) {
      return base::fail_system("accept", error);
    }
  }
  return fail(Errc::would_block, "accept: no connection");
}

bool Listener::Impl::is_readable() const {
  pollfd entry = {socket_.value(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

std::size_t Listener::Impl::waiting() const {
  tcp_info info = {};
  socklen_t length = sizeof(info);
  // For a socket that listens, this field is the length of its accept queue.
  if (::getsockopt(socket_.value(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_state == TCP_LISTEN) {
    return info.tcpi_unacked;
  }
  return is_readable() ? 1 : 0;
}

bool Listener::Impl::counts_waiting() const { return socket_ && !is_unix_socket(socket_.value()); }

Task<Result<Accepted>> Listener::Impl::accept(std::shared_ptr<Impl> self) {
  self->cancelled_ = false;
  auto first = self->try_accept();
  if (first || first.error().code != Errc::would_block) co_return first;
  if (!self->doorbell_) co_return fail(Errc::closed, "accept: the loop has ended");
  self->rung_ = false;
  self->timer_->expires_at(Clock::time_point::max());
  self->armed_ = true;
  self->doorbell_->arm();
  co_await self->timer_->async_wait(asio::as_tuple(asio::deferred));
  self->armed_ = false;
  if (!self->rung_) co_return fail(Errc::closed, "accept: cancelled");
  co_return self->try_accept();
}

Task<bool> Listener::Impl::wait_readable(std::shared_ptr<Impl> self, Clock::duration time) {
  self->cancelled_ = false;
  self->rung_ = false;
  const auto until = Clock::now() + time;
  while (!self->is_readable()) {
    const auto now = Clock::now();
    if (now >= until || !self->timer_) co_return false;
    self->timer_->expires_at(std::min(until, now + Clock::duration(kLookEvery)));
    co_await self->timer_->async_wait(asio::as_tuple(asio::deferred));
    if (self->cancelled_) co_return false;
  }
  co_return true;
}

Listener::Listener(Loop& loop, base::UniqueFd socket) : impl_(std::make_shared<Impl>(loop, std::move(socket))) {
  impl_->start();
}

Listener::~Listener() {
  impl_->cancel();
  impl_->stop();
}

Task<Result<Accepted>> Listener::accept() { return Impl::accept(impl_); }
Result<Accepted> Listener::accept_waiting() { return impl_->try_accept(); }
std::size_t Listener::waiting() const { return impl_->waiting(); }
bool Listener::counts_waiting() const { return impl_->counts_waiting(); }
void Listener::close() { impl_->close(); }
Task<bool> Listener::wait_readable(Clock::duration time) { return Impl::wait_readable(impl_, time); }
void Listener::cancel() { impl_->cancel(); }

}  // namespace net
