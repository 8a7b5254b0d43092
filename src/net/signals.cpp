#include "net/signals.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/deferred.hpp>

#include <signal.h>

namespace net {

namespace asio = boost::asio;

class Signals::Impl {
 public:
  using Set = asio::basic_signal_set<Loop::executor_type>;

  Impl(Loop& loop, std::initializer_list<int> signals) : set(loop.get_executor()) {
    for (const int signal : signals) {
      set.add(signal);
      // Asio's handler lets blocking calls fail with EINTR; a reload must not break a write that is under way.
      struct sigaction action = {};
      if (::sigaction(signal, nullptr, &action) != 0) continue;
      action.sa_flags |= SA_RESTART;
      ::sigaction(signal, &action, nullptr);
    }
  }

  static Task<int> next(std::shared_ptr<Impl> self) {
    const auto [error, signal] = co_await self->set.async_wait(asio::as_tuple(asio::deferred));
    co_return error ? 0 : signal;
  }

  Set set;
};

Signals::Signals(Loop& loop, std::initializer_list<int> signals) : impl_(std::make_shared<Impl>(loop, signals)) {}
Signals::~Signals() { impl_->set.cancel(); }
Task<int> Signals::next() { return Impl::next(impl_); }
void Signals::cancel() { impl_->set.cancel(); }

}  // namespace net
