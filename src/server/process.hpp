#pragma once

#include "auth/authenticator.hpp"
#include "base/log.hpp"
#include "net/worker_pool.hpp"
#include "server/auth_queue.hpp"
#include "server/client_names.hpp"
#include "server/crowd.hpp"
#include "server/host_access.hpp"
#include "server/shutdown_notice.hpp"

namespace server {

/// What lives as long as the process and is shared by all sessions.
struct Process {
  net::Loop& loop;
  const base::Log& log;
  auth::Authenticator& authenticator;
  net::WorkerPool& store_pool;  ///< for calls that wait for the disk
  AuthQueue& auth_queue;        ///< for calls that wait for a password back end
  ClientNames& client_names;
  HostAccess& host_access;
  Crowd& crowd;  ///< of those who have not logged in
  ShutdownNotice& shutdown;
};

}  // namespace server
