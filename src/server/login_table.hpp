#pragma once

#include "base/result.hpp"
#include "base/sha1.hpp"
#include "base/unique_fd.hpp"
#include "server/proc_sessions.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// maxlogins_per_user and maxlogins_per_host; 0 and less: no limit.
struct LoginLimits {
  int per_user = 0;
  int per_host = 0;

  bool any() const { return per_user > 0 || per_host > 0; }
};

/// What LoginTable::enter() says: a ticket, or how many sessions there are already.
struct Entrance {
  std::optional<std::uint64_t> ticket;  ///< nullopt: a limit is reached. Never 0
  int of_user = 0;                      ///< other sessions of the same user
  int of_host = 0;                      ///< from the same address
};

/// The logged-in sessions of one service, counted over all its processes: a file that they share, whose records die
/// with the process that wrote them, however it ends (doc/format/logins.md). Sessions that Cyrus's pop3d shows in proc/
/// under the name of the service count too.
///
/// The file is made when it is first needed, shrinks by itself, and is made anew when it holds anything else; each
/// process then enters its sessions again. Thread-safe. Blocks on disk, and for a moment on the lock: worker pool only.
class LoginTable {
 public:
  /// Touches nothing. `proc_directory` "": only sessions in `file` count.
  LoginTable(std::filesystem::path file, std::string proc_directory, std::string service, LoginLimits limits);
  LoginTable(const LoginTable&) = delete;
  LoginTable& operator=(const LoginTable&) = delete;
  /// Its sessions count no more.
  ~LoginTable();

  const LoginLimits& limits() const { return limits_; }

  /// Counts, and enters a session unless that would make one more than a limit allows. Errors: busy (call again);
  /// limit (the file is full); permission (something else is in its place); io.
  base::Result<Entrance> enter(std::string_view user, std::string_view host);

  /// The session of a ticket has ended. When the file cannot be written now, the next call of any function does it.
  void leave(std::uint64_t ticket);

  /// Looks through the file, and enters the sessions of this process again when somebody had to make it anew. To be
  /// called now and then: until then, such sessions are missing.
  void refresh();

  /// Most sessions of a service that are counted.
  static constexpr std::uint32_t kMaxRecords = 65536;

 private:
  struct Keys {
    base::Sha1Digest user{};
    base::Sha1Digest host{};
  };
  struct Session {
    Keys keys;
    std::optional<std::uint32_t> record;  // nullopt: not in the file
  };
  struct Scan;
  class Locked;

  base::Result<void> open_if_replaced();
  base::Result<void> take_holder();
  base::Result<Locked> lock();
  base::Result<void> make_current();
  base::Result<void> make_anew();
  base::Result<void> enter_again();
  base::Result<void> free_left();
  base::Result<Scan> scan(const Keys* keys);
  base::Result<void> write_record(std::uint32_t record, const Keys& keys);
  base::Result<void> free_record(std::uint32_t record);
  bool holder_lives(std::uint32_t holder) const;
  void count_proc(std::string_view user, std::string_view host, const Scan& scan, Entrance& entrance);

  const std::filesystem::path file_;
  const std::string proc_directory_;
  const std::string service_;
  const LoginLimits limits_;

  std::mutex mutex_;  // for all below
  base::UniqueFd fd_;
  std::uint32_t holder_ = 0;      // our number among the processes: whose byte we have locked
  std::uint64_t generation_ = 0;  // of the file, as our records are in it; 0: they are in none
  std::map<std::uint64_t, Session> sessions_;
  std::vector<std::uint32_t> left_;  // records of ours to be freed
  std::uint64_t next_ticket_ = 1;
  std::vector<ProcSession> proc_;  // what proc/ said last
  std::chrono::steady_clock::time_point proc_good_until_{};
  std::chrono::steady_clock::time_point busy_until_{};
};

}  // namespace server
