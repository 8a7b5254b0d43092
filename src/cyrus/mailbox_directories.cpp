#include "cyrus/mailbox_directories.hpp"

#include "base/directory.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

namespace fs = std::filesystem;

constexpr std::array kMetaFiles{MetaFile::header, MetaFile::index,       MetaFile::cache, MetaFile::expunge,
                                MetaFile::squat,  MetaFile::annotations, MetaFile::dav,   MetaFile::archivecache};

/// In the same order for every mailbox of a partition.
std::vector<fs::path> directory_list(const MailboxPaths& paths) {
  std::vector<fs::path> list{paths.data_directory(), paths.archive_directory()};
  for (const MetaFile kind : kMetaFiles) list.push_back(paths.file(kind).parent_path());
  return list;
}

base::Result<std::vector<fs::path>> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  if (error.value() == ENOENT) return files;  // archived messages are seldom there
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (fs::symlink_status(entry->path(), error).type() != fs::file_type::directory) files.push_back(entry->path());
  }
  if (error) return base::fail_system(directory.native(), error.value());
  return files;
}

base::Result<void> link_files(const fs::path& from, const fs::path& to) {
  const auto files = files_in(from);
  if (!files) return tl::unexpected(files.error());
  if (files->empty()) return {};
  if (auto made = base::make_directories(to); !made) return made;
  for (const fs::path& file : *files) {
    const fs::path name = to / file.filename();
    int done = ::link(file.c_str(), name.c_str());
    if (done != 0 && errno == EEXIST && ::unlink(name.c_str()) == 0) done = ::link(file.c_str(), name.c_str());
    if (done != 0) return base::fail_system("link " + name.native(), errno);
  }
  return base::sync_directory(to);
}

bool is_partition(const fs::path& directory, const StoreConfig& config) {
  for (const auto* roots : {&config.partitions, &config.metapartitions, &config.archive_partitions}) {
    for (const auto& [name, root] : *roots) {
      if (directory == root) return true;
    }
  }
  return false;
}

}  // namespace

std::set<fs::path> directories_of(const MailboxPaths& paths) {
  const auto list = directory_list(paths);
  return {list.begin(), list.end()};
}

base::Result<void> link_mailbox_files(const MailboxPaths& from, const MailboxPaths& to) {
  const auto old_list = directory_list(from);
  const auto new_list = directory_list(to);
  std::set<fs::path> done;
  for (std::size_t i = 0; i < old_list.size(); ++i) {
    if (!done.insert(old_list[i]).second) continue;
    if (auto linked = link_files(old_list[i], new_list[i]); !linked) return linked;
  }
  return {};
}

base::Result<void> remove_mailbox_directories(const MailboxPaths& paths, const StoreConfig& config) {
  base::Result<void> result;
  for (const fs::path& directory : directories_of(paths)) {
    const auto files = files_in(directory);
    if (!files && result) result = tl::unexpected(files.error());
    if (!files) continue;
    for (const fs::path& file : *files) {
      if (::unlink(file.c_str()) != 0 && errno != ENOENT && result) {
        result = base::fail_system("unlink " + file.native(), errno);
      }
    }
    // Ends at the first that others have something in.
    for (fs::path empty = directory; !is_partition(empty, config) && ::rmdir(empty.c_str()) == 0;) {
      empty = empty.parent_path();
    }
  }
  return result;
}

}  // namespace cyrus
