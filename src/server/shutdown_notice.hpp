#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace server {

/// How often a process looks for the files of ShutdownNotice: no session is told later than about so many seconds.
inline constexpr int kShutdownLookSeconds = 1;

/// What an administrator wants all clients to be told before their sessions end: the first line of the file
/// `shutdown.SERVICE` in `directory`, else of `shutdown`, without the brackets `[` that it begins with (they would make
/// it a response code). nullopt: there is no such file. An empty file is an empty text.
///
/// What cannot be opened or is no regular file counts as absent: a session that goes on is better than one that ends
/// without a reason. Blocks on disk.
std::optional<std::string> read_shutdown_file(const std::filesystem::path& directory, std::string_view service);

/// What read_shutdown_file() said last, for all sessions of the process: one look a second for the whole process, and
/// none for each command. Loop only.
class ShutdownNotice {
 public:
  /// Null while the service is open.
  const std::string* text() const { return text_ ? &*text_ : nullptr; }

  void set(std::optional<std::string> text) { text_ = std::move(text); }

 private:
  std::optional<std::string> text_;
};

}  // namespace server
