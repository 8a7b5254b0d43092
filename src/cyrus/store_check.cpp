#include "cyrus/store_check.hpp"

#include "cyrus/mailbox_paths.hpp"

#include <array>
#include <map>
#include <set>
#include <string>
#include <system_error>

namespace cyrus {
namespace {

namespace fs = std::filesystem;

constexpr std::array kMetaFiles{MetaFile::header, MetaFile::index,       MetaFile::cache, MetaFile::expunge,
                                MetaFile::squat,  MetaFile::annotations, MetaFile::dav,   MetaFile::archivecache};
// Deeper than any mailbox name can be.
constexpr int kMaxDepth = 300;

Problem of_list(std::string text) { return Problem{"", 0, "mailboxes.db: " + std::move(text)}; }

std::set<std::string> directories_of(const std::vector<MailboxRecord>& listed, const StoreConfig& config) {
  std::set<std::string> found;
  for (const MailboxRecord& record : listed) {
    const auto paths = MailboxPaths::of(record, config);
    if (!paths) continue;
    found.insert(paths->data_directory().lexically_normal().native());
    found.insert(paths->archive_directory().lexically_normal().native());
    for (const MetaFile kind : kMetaFiles) found.insert(paths->file(kind).parent_path().lexically_normal().native());
  }
  return found;
}

bool is_mailbox_file(const std::string& name) {
  if (name == "cyrus.header" || name == "cyrus.index" || name == "cyrus.cache") return true;
  return name.size() > 1 && name.back() == '.' && name.find_first_not_of("0123456789") == name.size() - 1;
}

void walk(const fs::path& directory, const std::set<std::string>& known, int depth, std::vector<fs::path>& stray) {
  std::error_code error;
  bool has_mailbox = false;
  std::vector<fs::path> below;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    std::error_code ignored;  // what vanished meanwhile is nothing that could be stray
    if (at->is_symlink(ignored)) continue;
    if (at->is_directory(ignored)) {
      const bool of_the_root = depth == 0 && (name == "stage." || name == "lost+found");
      if (!of_the_root) below.push_back(at->path());
    } else if (is_mailbox_file(name)) {
      has_mailbox = true;
    }
  }
  if (has_mailbox && !known.contains(directory.lexically_normal().native())) stray.push_back(directory);
  if (depth == kMaxDepth) return;
  for (const fs::path& next : below) walk(next, known, depth + 1, stray);
}

}  // namespace

base::Result<std::vector<MailboxRecord>> list_store(const MailboxList& mailboxes, std::vector<Problem>& problems) {
  std::vector<MailboxRecord> listed;
  std::map<std::string, MailboxRecord> by_name;
  const auto walked = mailboxes.for_each([&](base::Result<MailboxRecord> record) {
    if (!record) {
      problems.push_back(of_list(record.error().text));
      return true;
    }
    by_name.insert_or_assign(record->name.dbname(), *record);
    if (record->usable()) listed.push_back(*std::move(record));
    return true;
  });
  if (!walked) return tl::unexpected(walked.error());

  std::map<std::string, std::string> by_id;
  const auto walked_ids = mailboxes.for_each_id([&](const std::string& uniqueid, base::Result<std::string> dbname) {
    if (!dbname) {
      problems.push_back(of_list(dbname.error().text));
    } else {
      by_id.insert_or_assign(uniqueid, *std::move(dbname));
    }
    return true;
  });
  if (!walked_ids) return tl::unexpected(walked_ids.error());
  if (by_id.empty()) return listed;  // of 3.4 and older

  // Between the two walks somebody may have changed the list: what does not agree is looked up once more.
  for (const MailboxRecord& record : listed) {
    const auto found = by_id.find(record.uniqueid);
    if (found != by_id.end() && found->second == record.name.dbname()) continue;
    const auto again = mailboxes.find(record.name);
    if (!again && again.error().code == base::Errc::corrupt) problems.push_back(of_list(again.error().text));
  }
  for (const auto& [uniqueid, dbname] : by_id) {
    const auto name = MailboxName::from_dbname(dbname);
    if (!name) {
      problems.push_back(of_list("uniqueid " + uniqueid + ": " + name.error().text));
      continue;
    }
    const auto found = by_name.find(dbname);
    if (found != by_name.end() && (found->second.uniqueid == uniqueid || found->second.deleted)) continue;
    const auto again = mailboxes.find(*name);
    const bool agrees = again && (again->uniqueid == uniqueid || again->deleted);
    if (agrees || (!again && again.error().code == base::Errc::busy)) continue;
    problems.push_back(of_list("uniqueid " + uniqueid + " is said to be mailbox " + name->intname() +
                               (again ? ", which has another" : ", which is not there")));
  }
  return listed;
}

base::Result<void> find_stray_directories(const std::vector<MailboxRecord>& listed, const StoreConfig& config,
                                          const MailboxList& mailboxes, std::vector<Problem>& problems) {
  std::set<std::string> known = directories_of(listed, config);
  std::set<fs::path> roots;
  for (const auto* const family : {&config.partitions, &config.metapartitions, &config.archive_partitions}) {
    for (const auto& [name, root] : *family) roots.insert(root);
  }
  for (const auto& [key, root] : config.metadirs) roots.insert(root);
  std::vector<fs::path> stray;
  for (const fs::path& root : roots) walk(root, known, 0, stray);
  if (stray.empty()) return {};

  std::vector<Problem> ignored;
  const auto now = list_store(mailboxes, ignored);
  if (!now) return tl::unexpected(now.error());
  known = directories_of(*now, config);
  for (const fs::path& directory : stray) {
    std::error_code error;
    if (known.contains(directory.lexically_normal().native()) || !fs::exists(directory, error)) continue;
    problems.push_back(Problem{"", 0, directory.native() + ": files of a mailbox, but no mailbox of mailboxes.db"});
  }
  return {};
}

}  // namespace cyrus
