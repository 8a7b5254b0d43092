#pragma once

#include "base/result.hpp"
#include "tools/pillarbox/mbox.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace tools {

/// Where messages are imported from, told apart by looking: a directory with `cur` or `new` is a Maildir, another one
/// is searched for *.eml; a file that begins with "From " is an mbox, another one is a message.
struct ImportSource {
  enum class Kind { mbox, maildir, directory, message };

  Kind kind = Kind::message;
  std::filesystem::path path;
  std::vector<std::filesystem::path> files;             ///< in the order of import
  std::uint64_t octets = 0;                             ///< of all files
  std::vector<std::filesystem::path> folders_left_out;  ///< Maildirs in a Maildir, by the names of Maildir++
};

/// Looks at `path`. Errors: not_found (also a directory with nothing to import); permission; io.
base::Result<ImportSource> find_import_source(const std::filesystem::path& path);

/// Hands every message to `sink`, and after each the octets of input that it took to `progress`. Stops at the first
/// error of the sink. Blocks on disk. Errors: limit (a message of more than `max_octets`); those of MboxSplitter, the
/// sink; io.
base::Result<void> read_import_source(const ImportSource& source, MboxQuoting quoting, std::size_t max_octets,
                                      const MboxSplitter::Sink& sink,
                                      const std::function<void(std::uint64_t)>& progress);

}  // namespace tools
