#include "cyrus/mailbox_paths.hpp"

#include <array>
#include <optional>
#include <utility>

namespace cyrus {
namespace {

using std::filesystem::path;

// Where a legacy mailbox is below a root. Lock files use the same rule for names that are no mailbox names ("*U*ann"),
// so it works on the parts of a name, not on a MailboxName.
path legacy_directory(std::string_view domain, std::string_view rest, const StoreConfig& config) {
  path directory;
  if (!domain.empty()) {
    directory /= "domain";
    if (config.hash_spool) directory /= std::string(1, hash_letter(domain, config.full_dir_hash));
    directory /= domain;
  }
  if (config.hash_spool) {
    // The second component has the variety: the first is "user" almost always.
    const auto first_end = rest.find('.');
    const auto hashed = first_end == std::string_view::npos ? rest : rest.substr(first_end + 1);
    directory /= std::string(1, hash_letter(hashed.substr(0, hashed.find('.')), config.full_dir_hash));
  }
  for (;;) {
    const auto end = rest.find('.');
    directory /= rest.substr(0, end);
    if (end == std::string_view::npos) return directory;
    rest.remove_prefix(end + 1);
  }
}

path uniqueid_directory(const std::string& uniqueid) {
  return path("uuid") / uniqueid.substr(0, 1) / uniqueid.substr(1, 1) / uniqueid;
}

std::string_view file_name(MetaFile kind) {
  switch (kind) {
    case MetaFile::header:
      return "cyrus.header";
    case MetaFile::index:
      return "cyrus.index";
    case MetaFile::cache:
    case MetaFile::archivecache:  // same name, in another directory
      return "cyrus.cache";
    case MetaFile::expunge:
      return "cyrus.expunge";
    case MetaFile::squat:
      return "cyrus.squat";
    case MetaFile::annotations:
      return "cyrus.annotations";
    case MetaFile::dav:
      return "cyrus.dav";
  }
  return {};
}

constexpr std::array kMetaFiles{MetaFile::header, MetaFile::index,       MetaFile::cache, MetaFile::expunge,
                                MetaFile::squat,  MetaFile::annotations, MetaFile::dav,   MetaFile::archivecache};

std::optional<path> root_of(const StoreConfig::Roots& roots, const std::string& partition) {
  const auto found = roots.find(partition);
  if (found == roots.end()) return std::nullopt;
  return found->second;
}

path meta_root(MetaFile kind, const std::string& partition, const path& data, const path& archive,
               const StoreConfig& config) {
  if (const auto own = config.metadirs.find({kind, partition}); own != config.metadirs.end()) return own->second;
  if (config.metapartition_files.contains(kind)) {
    if (auto meta = root_of(config.metapartitions, partition)) return *std::move(meta);
  }
  return kind == MetaFile::archivecache ? archive : data;
}

path lock_file(std::string_view domain, std::string_view rest, const StoreConfig& config) {
  path file = config.lock_path / legacy_directory(domain, rest, config);
  file += ".lock";
  return file;
}

}  // namespace

base::Result<MailboxPaths> MailboxPaths::of(const MailboxRecord& record, const StoreConfig& config) {
  const std::string what = "mailbox " + record.name.intname() + ": ";
  if (!record.usable()) return base::fail(base::Errc::invalid, what + "is not in use here");
  const auto root = root_of(config.partitions, record.partition);
  if (!root) return base::fail(base::Errc::invalid, what + "imapd.conf has no partition-" + record.partition);
  if (!record.legacy_layout && record.uniqueid.size() < 2) return base::fail(base::Errc::invalid, what + "no uniqueid");

  const std::string& intname = record.name.intname();
  const path relative =
      record.legacy_layout
          ? legacy_directory(record.name.domain(), std::string_view(intname).substr(intname.find('!') + 1), config)
          : uniqueid_directory(record.uniqueid);
  const path archive = root_of(config.archive_partitions, record.partition).value_or(*root);
  MailboxPaths paths;
  paths.data_ = *root / relative;
  paths.archive_ = archive / relative;
  for (const MetaFile kind : kMetaFiles) {
    paths.meta_[kind] = meta_root(kind, record.partition, *root, archive, config) / relative;
  }
  return paths;
}

path MailboxPaths::file(MetaFile kind) const { return meta_.at(kind) / file_name(kind); }

path MailboxPaths::new_file(MetaFile kind) const {
  path next = file(kind);
  next += ".NEW";
  return next;
}

path MailboxPaths::message(maildrop::Uid uid, bool archived) const {
  return (archived ? archive_ : data_) / message_file_name(uid);
}

std::string message_file_name(maildrop::Uid uid) { return std::to_string(maildrop::value(uid)) + '.'; }

path name_lock_path(const MailboxRecord& record, const StoreConfig& config) {
  if (!record.legacy_layout) return lock_file({}, record.uniqueid, config);
  const std::string_view intname = record.name.intname();
  return lock_file(record.name.domain(), intname.substr(intname.find('!') + 1), config);
}

path user_lock_path_3_4(const MailboxName& name, const StoreConfig& config) {
  std::string locked = "*U*" + name.userid();
  for (char& c : locked) {
    if (c == '.') c = '^';
  }
  return lock_file({}, locked, config);
}

path user_lock_path_3_12(const MailboxName& name, const StoreConfig& config) {
  if (name.userid().empty()) return lock_file({}, "*U*", config);
  const MailboxName inbox = name.inbox();
  // "*U*" stands before the whole intname, so with a domain it is the domain that carries it.
  const std::string user = inbox.components()[0] + '.' + inbox.components()[1];
  if (inbox.domain().empty()) return lock_file({}, "*U*" + user, config);
  return lock_file("*U*" + inbox.domain(), user, config);
}

path global_lock_path(const StoreConfig& config) { return lock_file({}, "$GLOBAL", config); }

path quota_change_lock_path(const StoreConfig& config) { return lock_file({}, "$QUOTACHANGE", config); }

}  // namespace cyrus
