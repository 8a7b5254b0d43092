#include "server/refuse.hpp"

#include "net/stream.hpp"

#include <chrono>
#include <utility>

namespace server {
namespace {

/// How long a client that was refused may take to read why.
constexpr std::chrono::seconds kPatience{5};

}  // namespace

net::Task<void> refuse(net::Loop& loop, base::UniqueFd socket, std::string reply) {
  if (reply.empty()) co_return;
  net::Stream stream(loop, std::move(socket));
  stream.output() += reply;
  co_await stream.close(kPatience);
}

}  // namespace server
