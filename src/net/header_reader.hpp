#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "net/proxy_header.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"

#include <memory>

namespace net {

/// Reads the PROXY header off a connection that has no Stream yet. Not one octet behind the header is taken: a client
/// hello may follow in the same packet, and belongs to whoever comes next.
class HeaderReader {
 public:
  /// Takes a connected stream socket.
  HeaderReader(Loop& loop, base::UniqueFd socket);
  HeaderReader(const HeaderReader&) = delete;
  HeaderReader& operator=(const HeaderReader&) = delete;
  ~HeaderReader();

  /// Errors: invalid (no header, or a wrong one: the text says what is wrong); timeout (not whole at the deadline);
  /// closed (the peer is gone, cancelled).
  Task<base::Result<ProxyHeader>> read(Clock::time_point deadline);

  /// Ends read(). Callable from the loop at any time.
  void cancel();

  /// The socket, whatever read() said. Nothing may be under way.
  base::UniqueFd take_socket();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with the operation that waits, which may be resumed after our end
};

}  // namespace net
