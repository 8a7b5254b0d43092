// Octets are looked at first (MSG_PEEK), and only those that belong to the header are then taken from the socket.
#include "net/header_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace net {

namespace asio = boost::asio;
using base::Errc;
using base::fail;
using base::Result;
using boost::system::error_code;

class HeaderReader::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, base::UniqueFd socket) : socket_(loop.get_executor()), timer_(loop.get_executor()) {
    int family = AF_UNSPEC;
    socklen_t length = sizeof(family);
    // Asio only wants to know it for sockets that it opens itself.
    static_cast<void>(::getsockopt(socket.value(), SOL_SOCKET, SO_DOMAIN, &family, &length));
    error_code error;
    socket_.assign(asio::generic::stream_protocol(family, 0), socket.value(), error);
    if (!error) static_cast<void>(socket.release());  // socket_ owns it now
    cancelled_ = static_cast<bool>(error);
  }

  static Task<Result<ProxyHeader>> read(std::shared_ptr<Impl> self, Clock::time_point deadline) {
    self->start_timer(deadline);
    ProxyHeaderParser parser;
    Result<ProxyHeader> result = fail(Errc::closed, "connection cancelled");
    while (!self->cancelled_) {
      const auto [error] = co_await self->socket_.async_wait(Socket::wait_read, asio::as_tuple(asio::deferred));
      if (self->cancelled_) break;
      if (self->timed_out_) {
        result = fail(Errc::timeout, "deadline passed");
        break;
      }
      const auto went_on = error ? fail(Errc::closed, error.message()) : self->receive(parser);
      if (!went_on) {
        result = tl::unexpected(went_on.error());
        break;
      }
      if (parser.status() == ProxyHeaderParser::Status::incomplete) continue;
      if (parser.status() == ProxyHeaderParser::Status::complete) {
        result = parser.header();
      } else {
        result = fail(Errc::invalid, std::string(parser.complaint()));
      }
      break;
    }
    self->timer_.cancel();
    co_return result;
  }

  void cancel() {
    cancelled_ = true;
    error_code ignored;  // nothing was waiting then
    socket_.cancel(ignored);
  }

  base::UniqueFd take_socket() {
    error_code error;
    return socket_.is_open() ? base::UniqueFd(socket_.release(error)) : base::UniqueFd();
  }

 private:
  using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Loop::executor_type>;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Loop::executor_type>;

  void start_timer(Clock::time_point deadline) {
    timer_.expires_at(deadline);
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->timed_out_ = true;
      error_code ignored;  // the wait is over and about to resume
      self->socket_.cancel(ignored);
    });
  }

  // What the parser does not take stays in the socket.
  Result<void> receive(ProxyHeaderParser& parser) {
    std::array<char, 512> octets;
    ssize_t seen = 0;
    do {
      seen = ::recv(socket_.native_handle(), octets.data(), octets.size(), MSG_PEEK | MSG_DONTWAIT);
    } while (seen < 0 && errno == EINTR);
    if (seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (seen < 0) return fail(Errc::closed, std::strerror(errno));
    if (seen == 0) return fail(Errc::closed, "end of input");
    std::size_t left = parser.feed({octets.data(), static_cast<std::size_t>(seen)});
    while (left > 0) {
      const ssize_t taken = ::recv(socket_.native_handle(), octets.data(), left, MSG_DONTWAIT);
      if (taken < 0 && errno == EINTR) continue;
      if (taken <= 0) return fail(Errc::closed, "octets that were there have gone");
      left -= static_cast<std::size_t>(taken);
    }
    return {};
  }

  Socket socket_;
  Timer timer_;
  bool timed_out_ = false;
  bool cancelled_ = false;
};

HeaderReader::HeaderReader(Loop& loop, base::UniqueFd socket)
    : impl_(std::make_shared<Impl>(loop, std::move(socket))) {}
HeaderReader::~HeaderReader() { impl_->cancel(); }
Task<Result<ProxyHeader>> HeaderReader::read(Clock::time_point deadline) { return Impl::read(impl_, deadline); }
void HeaderReader::cancel() { impl_->cancel(); }
base::UniqueFd HeaderReader::take_socket() { return impl_->take_socket(); }

}  // namespace net
