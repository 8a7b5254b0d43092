#include "tools/pillarbox/import_source.hpp"

#include "base/file_io.hpp"
#include "tools/pillarbox/maildir.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>

namespace tools {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using Kind = ImportSource::Kind;

constexpr std::size_t kChunk = std::size_t{64} << 10;

/// By their names, numbers within these by their value: names in a Maildir begin with a time and its fraction, and not
/// every program fills the fraction up with zeros. Also 2.eml comes before 10.eml.
void sort_by_name(std::vector<fs::path>& files) {
  std::ranges::sort(files, [](const fs::path& a, const fs::path& b) {
    return ::strverscmp(a.filename().c_str(), b.filename().c_str()) < 0;
  });
}

/// The regular files of a directory whose names `wanted` takes, sorted.
base::Result<std::vector<fs::path>> files_in(const fs::path& directory,
                                             const std::function<bool(const std::string&)>& wanted) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;  // what cannot be looked at will not be opened either
    if (!wanted(at->path().filename().native()) || !at->is_regular_file(ignored)) continue;
    files.push_back(at->path());
  }
  if (error) return base::fail_system(directory.native(), error.value());
  sort_by_name(files);
  return files;
}

bool is_message_name(const std::string& name) { return name.front() != '.'; }

bool is_eml_name(const std::string& name) {
  if (name.size() < 4) return false;
  std::string end = name.substr(name.size() - 4);
  for (char& c : end) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return end == ".eml";
}

/// Maildir++ keeps folders as Maildirs with a dot in front of their names.
std::vector<fs::path> folders_of_maildir(const fs::path& maildir) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator at(maildir, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().filename().native().starts_with('.') && fs::is_directory(at->path() / "cur", ignored)) {
      folders.push_back(at->path());
    }
  }
  sort_by_name(folders);
  return folders;
}

base::Result<void> add_directory(ImportSource& source) {
  std::error_code ignored;
  bool is_maildir = false;
  for (const char* part : {"cur", "new"}) {
    if (!fs::is_directory(source.path / part, ignored)) continue;
    is_maildir = true;
    auto files = files_in(source.path / part, is_message_name);
    if (!files) return tl::unexpected(std::move(files.error()));
    source.files.insert(source.files.end(), files->begin(), files->end());
  }
  source.kind = is_maildir ? Kind::maildir : Kind::directory;
  if (is_maildir) {
    sort_by_name(source.files);
    source.folders_left_out = folders_of_maildir(source.path);
    return {};
  }
  auto files = files_in(source.path, is_eml_name);
  if (!files) return tl::unexpected(std::move(files.error()));
  if (files->empty()) {
    return base::fail(Errc::not_found,
                      source.path.native() + ": nothing to import: no Maildir (cur, new) and no file named *.eml");
  }
  source.files = *std::move(files);
  return {};
}

base::Result<bool> begins_with_from(const fs::path& path) {
  const auto fd = base::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return tl::unexpected(fd.error());
  struct stat status = {};
  if (::fstat(fd->value(), &status) != 0) return base::fail_system(path.native(), errno);
  if (!S_ISREG(status.st_mode)) return base::fail(Errc::invalid, path.native() + ": not a regular file");
  std::array<char, 8> start{};
  const auto got = base::read_some(fd->value(), start, 0, path.native());
  if (!got) return tl::unexpected(got.error());
  std::string_view text(start.data(), *got);
  while (text.starts_with('\n') || text.starts_with('\r')) text.remove_prefix(1);
  return text.starts_with("From ");
}

/// Reads a file to its end, chunk by chunk.
base::Result<void> read_through(const fs::path& path, const std::function<base::Result<void>(std::string_view)>& take,
                                const std::function<void(std::uint64_t)>& progress) {
  const auto fd = base::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return tl::unexpected(fd.error());
  std::vector<char> chunk(kChunk);
  for (std::uint64_t at = 0;;) {
    const auto got = base::read_some(fd->value(), chunk, at, path.native());
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return {};
    if (auto taken = take({chunk.data(), *got}); !taken) return taken;
    at += *got;
    progress(*got);
  }
}

base::Result<void> read_message_file(const ImportSource& source, const fs::path& file, std::size_t max_octets,
                                     const MboxSplitter::Sink& sink,
                                     const std::function<void(std::uint64_t)>& progress) {
  SourceMessage message;
  message.where = file.native();
  const auto read = read_through(
      file,
      [&](std::string_view octets) -> base::Result<void> {
        if (octets.size() + message.text.size() > max_octets) {
          return base::fail(Errc::limit, file.native() + ": more than " + std::to_string(max_octets) + " octets");
        }
        message.text += octets;
        return {};
      },
      progress);
  if (!read) {
    // Whoever reads mail out of a Maildir meanwhile renames its files.
    if (read.error().code == Errc::not_found && source.kind == Kind::maildir) return {};
    return read;
  }
  if (source.kind == Kind::maildir) {
    struct stat status = {};
    if (::stat(file.c_str(), &status) == 0) message.date = status.st_mtime;
    if (file.parent_path().filename() == "cur") message.flags = maildir_flags(file.filename().native());
  }
  return sink(std::move(message));
}

}  // namespace

base::Result<ImportSource> find_import_source(const fs::path& path) {
  ImportSource source;
  source.path = path;
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return base::fail_system(path.native(), errno);
  if (S_ISDIR(status.st_mode)) {
    if (auto added = add_directory(source); !added) return tl::unexpected(std::move(added.error()));
  } else {
    const auto is_mbox = begins_with_from(path);
    if (!is_mbox) return tl::unexpected(is_mbox.error());
    source.kind = *is_mbox ? Kind::mbox : Kind::message;
    source.files.push_back(path);
  }
  for (const fs::path& file : source.files) {
    if (::stat(file.c_str(), &status) == 0) source.octets += static_cast<std::uint64_t>(status.st_size);
  }
  return source;
}

base::Result<void> read_import_source(const ImportSource& source, MboxQuoting quoting, std::size_t max_octets,
                                      const MboxSplitter::Sink& sink,
                                      const std::function<void(std::uint64_t)>& progress) {
  if (source.kind == Kind::mbox) {
    MboxSplitter splitter(source.path.native(), quoting, max_octets, sink);
    const auto read = read_through(
        source.path, [&](std::string_view octets) { return splitter.feed(octets); }, progress);
    if (!read) return read;
    return splitter.finish();
  }
  for (const fs::path& file : source.files) {
    if (auto read = read_message_file(source, file, max_octets, sink, progress); !read) return read;
  }
  return {};
}

}  // namespace tools
