#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <optional>
#include <string>

namespace master {

/// Descriptors that master holds so that nothing else of ours gets their numbers.
struct ReservedFds {
  base::UniqueFd null;    ///< /dev/null, read and write
  base::UniqueFd status;  ///< 3
  base::UniqueFd listen;  ///< 4
};

/// Closes whatever the starter left open above standard error, opens 0 to 2 where they are closed, and reserves 3
/// and 4. The first thing that main does: nothing of ours may be open yet. Errors: io.
base::Result<ReservedFds> take_over_descriptors();

/// Standard input, output and error become /dev/null; output and error the end of `output_file` when there is one (made
/// 0644; symbolic links are not followed). Errors: io, permission, not_found.
base::Result<void> redirect_standard_descriptors(int null_fd, const std::optional<std::string>& output_file);

/// The background process (-d) and the one that was started and waits for its success.
class Launch {
 public:
  /// Forks. The first process waits for report() and exits with its value, 71 when the second one dies before; the
  /// second one leads a new session and returns from here. Errors: io.
  static base::Result<Launch> into_background();

  /// In the foreground there is nobody to tell.
  Launch() = default;

  void report(int exit_status);

 private:
  explicit Launch(base::UniqueFd pipe) : pipe_(std::move(pipe)) {}
  base::UniqueFd pipe_;
};

/// The file that exists while master is ready for work (0644). The user that master runs as by then must be able to
/// write its folder.
class ReadyFile {
 public:
  /// Errors: io, permission, not_found.
  static base::Result<ReadyFile> create(const std::string& path);
  ReadyFile(ReadyFile&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ReadyFile& operator=(ReadyFile&&) = delete;
  ~ReadyFile();

 private:
  explicit ReadyFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace master
