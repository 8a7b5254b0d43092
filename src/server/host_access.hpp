#pragma once

#include "net/endpoint.hpp"
#include "net/task.hpp"
#include "net/worker_pool.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace server {

/// Where the rules are.
struct HostAccessFiles {
  std::string allow = "/etc/hosts.allow";
  std::string deny = "/etc/hosts.deny";
};

/// hosts.allow and hosts.deny, asked through libwrap as hosts_access(5) says, as Cyrus's services do.
///
/// libwrap reads its files at each question, looks up names when a rule wants them, and is not made for threads: one
/// thread asks, the loop does not wait. While neither file has a rule nobody is asked. Loop only.
class HostAccess {
 public:
  explicit HostAccess(net::Loop& loop, HostAccessFiles files = HostAccessFiles());

  /// Whether `client` may use `daemon`, a name as in the files. `socket` is for rules that send something (banners);
  /// the caller keeps it open. A client without an address (a Unix socket) may always.
  net::Task<bool> allows(std::string daemon, net::Endpoint client, net::Endpoint server, int socket);

  /// Whether the last question was put to libwrap: for tests.
  bool asked() const { return asked_; }

 private:
  /// What stat(2) says of both files.
  using Signature = std::vector<std::int64_t>;
  struct Answer;

  Signature signature() const;

  HostAccessFiles files_;
  Signature seen_;
  bool has_rules_ = true;  // when the files were as in seen_
  bool asked_ = false;
  net::WorkerPool pool_;
};

}  // namespace server
