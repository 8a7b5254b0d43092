#include "net/spawn.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <utility>

namespace net {

void spawn(Loop& loop, Task<void> task) {
  boost::asio::co_spawn(loop, std::move(task), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
}

}  // namespace net
