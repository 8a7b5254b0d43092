// Asio would switch the descriptor to non-blocking, for every process that shares it. So a second epoll set watches it,
// and Asio watches that set.
#include "net/watch.hpp"

#include "base/unique_fd.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <cerrno>
#include <sys/epoll.h>
#include <system_error>

namespace net {

Task<void> wait_for_hangup(Loop& loop, int fd) {
  using Descriptor = boost::asio::posix::basic_stream_descriptor<Loop::executor_type>;
  base::UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};  // no event asked for: EPOLLERR and EPOLLHUP always come
  if (!set || ::epoll_ctl(set.value(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::system_category(), "cannot watch a descriptor");
  }
  Descriptor watched(loop.get_executor(), set.value());
  static_cast<void>(set.release());  // `watched` owns it now
  co_await watched.async_wait(Descriptor::wait_read, boost::asio::as_tuple(boost::asio::deferred));
}

}  // namespace net
