#pragma once

#include "base/result.hpp"
#include "net/ticket_keys.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace net {

/// The file by which all processes of a service have the same ticket keys, so that a session that one began another one
/// resumes (doc/format/tls-tickets.md). Whoever finds the newest key old enough makes the next one, under a lock.
///
/// The file is ours alone: mode 0600, a regular file of our own user; anything else is refused.
class TicketKeyFile {
 public:
  /// `lifetime` of a ticket. Touches no disk.
  TicketKeyFile(std::filesystem::path path, std::chrono::seconds lifetime)
      : path_(std::move(path)), lifetime_(lifetime.count()) {}

  /// The keys at `now` (seconds since 1970), rotated when it is time. Blocks on disk, never on the lock: who does not
  /// get it goes on with the old keys, or, when there are none, gets Errc::busy. Errors also: permission (others could
  /// read or write the file), io. A file with anything else in it is replaced.
  base::Result<TicketKeys> current(std::int64_t now) const;

 private:
  base::Result<TicketKeys> read() const;
  base::Result<void> write(const TicketKeys& keys) const;

  std::filesystem::path path_;
  std::int64_t lifetime_;
};

}  // namespace net
