#include "net/event.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace net {

void Event::notify() {
  notified_ = true;
  timer_.cancel();
}

Task<bool> Event::wait_for(Clock::duration time) {
  if (!notified_) {
    timer_.expires_after(time);
    boost::system::error_code cancelled;  // expected: it is how notify() wakes us
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }
  co_return std::exchange(notified_, false);
}

}  // namespace net
