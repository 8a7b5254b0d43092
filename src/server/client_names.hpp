#pragma once

#include "net/spawn.hpp"
#include "net/timer.hpp"
#include "net/worker_pool.hpp"

#include <map>
#include <string>
#include <string_view>

namespace server {

/// True for letters, digits, `.`, `-` and `_`, as names of hosts have them. Whoever owns a reverse zone may write there
/// what he likes: a name with a bracket in it could pass for an address in a log line.
bool is_host_name(std::string_view name);

/// The host names of client addresses, for log lines. Names are looked up in the background by one thread: no greeting
/// and no login waits for DNS. A line that is written before the answer is there shows the address alone.
///
/// Loop only. Remembers a bounded number of addresses for a while.
class ClientNames {
 public:
  explicit ClientNames(net::Loop& loop);

  /// Starts a lookup unless the answer is known or under way.
  void want(const std::string& ip);

  /// "name [ip]", or "[ip]" while or when there is no name, "[unix socket]" for an empty ip.
  std::string shown(const std::string& ip) const;

 private:
  struct Known {
    std::string name;  ///< empty: not known (yet)
    net::Clock::time_point expires;
  };
  net::Task<void> look_up(std::string ip);

  net::Loop& loop_;
  std::map<std::string, Known, std::less<>> known_;
  net::WorkerPool pool_;
};

}  // namespace server
