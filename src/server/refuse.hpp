#pragma once

#include "base/unique_fd.hpp"
#include "net/task.hpp"

#include <string>

namespace server {

/// Sends `reply`, unless it is empty, to a client that gets no session, and closes the connection in order.
net::Task<void> refuse(net::Loop& loop, base::UniqueFd socket, std::string reply);

}  // namespace server
