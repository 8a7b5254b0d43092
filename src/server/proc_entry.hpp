#pragma once

#include "base/log.hpp"

#include <string>
#include <string_view>

namespace server {

/// The file by which Cyrus's tools and services know the session of this process: its name is the pid, its one line is
/// `service TAB client TAB user TAB mailbox TAB command`. Cyrus signals the processes that it finds so, and takes each
/// for one user's session: only for a process that serves one session at a time.
class ProcEntry {
 public:
  /// Writes nothing yet. With an empty `directory` it never does. `log` outlives the entry.
  ProcEntry(std::string_view directory, std::string service, const base::Log& log);
  ProcEntry(const ProcEntry&) = delete;
  ProcEntry& operator=(const ProcEntry&) = delete;
  /// Removes the file.
  ~ProcEntry();

  /// Writes the line; readers see the old one or the new one. "" for what is not known yet. A failure is logged and
  /// changes nothing else. Blocks on disk for a moment.
  void show(std::string_view client, std::string_view user, std::string_view mailbox);

  /// Removes the file, until the next show().
  void hide();

 private:
  std::string path_;  // "": write nothing
  std::string service_;
  const base::Log& log_;
  bool written_ = false;
};

}  // namespace server
