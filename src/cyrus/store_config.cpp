#include "cyrus/store_config.hpp"

#include "base/ascii.hpp"
#include "config/imapd_conf.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

using config::Option;
using std::filesystem::path;

// "lock" is a word of metapartition_files too, but no file of a mailbox that we know of follows it.
constexpr std::array<std::pair<std::string_view, MetaFile>, 8> kMetaFileNames{{
    {"header", MetaFile::header},
    {"index", MetaFile::index},
    {"cache", MetaFile::cache},
    {"expunge", MetaFile::expunge},
    {"squat", MetaFile::squat},
    {"annotations", MetaFile::annotations},
    {"dav", MetaFile::dav},
    {"archivecache", MetaFile::archivecache},
}};

std::optional<MetaFile> meta_file(std::string_view word) {
  const auto* const found = std::ranges::find(kMetaFileNames, word, &std::pair<std::string_view, MetaFile>::first);
  if (found == kMetaFileNames.end()) return std::nullopt;
  return found->second;
}

// Relative paths would mean another place after a chdir, so none is taken.
base::Result<path> absolute(std::string_view key, std::string_view value) {
  path place(value);
  if (!place.is_absolute()) {
    return base::fail(base::Errc::invalid, std::string(key) + ": not an absolute path: " + std::string(value));
  }
  return place;
}

base::Result<StoreConfig::Roots> roots(const config::ImapdConf& conf, std::string_view prefix) {
  StoreConfig::Roots found;
  for (const auto& [name, value] : conf.find_prefix(prefix)) {
    // A service's own "pop3_partition-default" is found under the plain key and beats the plain line.
    const std::string key = std::string(prefix) + name;
    auto root = absolute(key, conf.find(key).value_or(value));
    if (!root) return tl::unexpected(std::move(root.error()));
    found.insert_or_assign(base::ascii::lower(name), *std::move(root));
  }
  return found;
}

base::Result<path> path_or(const config::ImapdConf& conf, Option option, std::string_view key, path otherwise) {
  const auto value = conf.text(option);
  if (!value || value->empty()) return otherwise;
  return absolute(key, *value);
}

base::Result<void> take_places(const config::ImapdConf& conf, StoreConfig& store) {
  const auto directory = absolute("configdirectory", conf.text(Option::configdirectory).value_or(""));
  if (!directory) return tl::unexpected(directory.error());
  store.config_directory = *directory;

  const std::array<std::pair<std::string_view, StoreConfig::Roots*>, 3> families{
      {{"partition-", &store.partitions},
       {"metapartition-", &store.metapartitions},
       {"archivepartition-", &store.archive_partitions}}};
  for (const auto& [prefix, into] : families) {
    auto found = roots(conf, prefix);
    if (!found) return tl::unexpected(std::move(found.error()));
    *into = *std::move(found);
  }
  if (store.partitions.empty()) return base::fail(base::Errc::invalid, "no partition-NAME is given");

  for (const auto& [rest, value] : conf.find_prefix("metadir-")) {
    const auto dash = rest.find('-');
    const auto file = meta_file(base::ascii::lower(rest.substr(0, dash)));
    if (!file || dash == std::string::npos) continue;  // not a key of ours; ImapdConf warns of unknown ones
    const std::string key = "metadir-" + rest;
    auto root = absolute(key, conf.find(key).value_or(value));
    if (!root) return tl::unexpected(std::move(root.error()));
    store.metadirs.insert_or_assign({*file, base::ascii::lower(rest.substr(dash + 1))}, *std::move(root));
  }

  struct Place {
    Option option;
    std::string_view key;
    std::string_view otherwise;  // below the configuration directory
    path StoreConfig::*member;
  };
  for (const Place& place :
       {Place{Option::mboxname_lockpath, "mboxname_lockpath", "lock", &StoreConfig::lock_path},
        Place{Option::mboxlist_db_path, "mboxlist_db_path", "mailboxes.db", &StoreConfig::mailboxes_db},
        Place{Option::annotation_db_path, "annotation_db_path", "annotations.db", &StoreConfig::annotation_db},
        Place{Option::quota_db_path, "quota_db_path", "quota", &StoreConfig::quota_db},
        Place{Option::statuscache_db_path, "statuscache_db_path", "statuscache.db", &StoreConfig::statuscache_db},
        Place{Option::duplicate_db_path, "duplicate_db_path", "deliver.db", &StoreConfig::deliver_db},
        Place{Option::idlesocket, "idlesocket", "socket/idle", &StoreConfig::idle_socket},
        Place{Option::proc_path, "proc_path", "proc", &StoreConfig::proc_path}}) {
    auto found = path_or(conf, place.option, place.key, store.config_directory / place.otherwise);
    if (!found) return tl::unexpected(std::move(found.error()));
    store.*place.member = *std::move(found);
  }
  return {};
}

std::string host_name() {
  std::array<char, 256> name{};
  // The last byte stays 0 whatever gethostname does; without a name, records that name a server count as remote.
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

/// Without a bound when it is none.
std::size_t positive(int number) { return number > 0 ? static_cast<std::size_t>(number) : 0; }

UidlFormat uidl_format(std::string_view word) {
  if (word == "uidonly") return UidlFormat::uidonly;
  if (word == "dovecot") return UidlFormat::dovecot;
  if (word == "courier") return UidlFormat::courier;
  return UidlFormat::cyrus;
}

ExpungeMode expunge_mode(std::string_view word) {
  if (word == "immediate") return ExpungeMode::immediate;
  if (word == "semidelayed") return ExpungeMode::semidelayed;
  return ExpungeMode::delayed;
}

VirtualDomains virtual_domains(std::string_view word) {
  if (word == "userid") return VirtualDomains::userid;
  return word == "on" ? VirtualDomains::on : VirtualDomains::off;
}

AutocreateOptions autocreate_options(const config::ImapdConf& conf) {
  AutocreateOptions options;
  const std::int64_t octets = conf.byte_size(Option::autocreate_quota);
  options.quota_kib = octets < 0 ? -1 : octets / 1024;
  options.quota_messages = conf.integer(Option::autocreate_quota_messages);
  options.post = conf.is_on(Option::autocreate_post);
  options.inbox_folders = conf.text(Option::autocreate_inbox_folders).value_or("");
  options.subscribe_folders = conf.text(Option::autocreate_subscribe_folders).value_or("");
  options.users = conf.text(Option::autocreate_users).value_or("anyone");
  options.acl = conf.text(Option::autocreate_acl).value_or("");
  options.sieve_script = conf.is_set(Option::autocreate_sieve_script);
  options.subscribe_shared_folders = conf.text(Option::autocreate_subscribe_sharedfolders).value_or("");
  options.subscribe_all_shared_folders = conf.is_on(Option::autocreate_subscribe_sharedfolders_all);
  // Cyrus: a folder has one use, whichever of its lines comes last in a hash table.
  for (const auto& [flag, folder] : conf.find_prefix("xlist-")) {
    options.special_uses.insert_or_assign(folder, '\\' + flag);
  }
  return options;
}

}  // namespace

base::Result<StoreConfig> store_config(const config::ImapdConf& conf) {
  StoreConfig store;
  if (auto done = take_places(conf, store); !done) {
    return base::fail(done.error().code, conf.file().native() + ": " + done.error().text);
  }
  if (const auto partition = conf.text(Option::defaultpartition)) {
    store.default_partition = base::ascii::lower(*partition);
  }
  for (const std::string_view word : conf.words(Option::metapartition_files)) {
    if (const auto file = meta_file(word)) store.metapartition_files.insert(*file);
  }
  store.hash_spool = conf.is_on(Option::hashimapspool);
  store.full_dir_hash = conf.is_on(Option::fulldirhash);
  store.legacy_dirs = conf.is_on(Option::mailbox_legacy_dirs);
  store.unix_hierarchy_sep = conf.is_on(Option::unixhierarchysep);
  store.virtual_domains = virtual_domains(conf.choice(Option::virtdomains));
  store.default_domain = conf.text(Option::defaultdomain).value_or("");
  store.deleted_prefix = conf.text(Option::deletedprefix).value_or("DELETED");
  store.global_lock = conf.is_on(Option::global_lock);
  store.lock_timeout = conf.duration(Option::pop3_lock_timeout);
  store.server_name = conf.text(Option::servername).value_or("");
  if (store.server_name.empty()) store.server_name = host_name();
  store.improved_mboxlist_sort = conf.is_on(Option::improved_mboxlist_sort);
  store.reverse_acls = conf.is_on(Option::reverseacls);
  store.murder = conf.is_set(Option::mupdate_server);
  store.admins = std::string(conf.text(Option::admins).value_or("")) + ' ' +
                 std::string(conf.text(Option::proxyservers).value_or(""));
  store.mailboxes_backend = conf.choice(Option::mboxlist_db);
  store.unix_groups = conf.is_on(Option::unix_group_enable);
  store.annotation_backend = conf.choice(Option::annotation_db);
  store.quota_backend = conf.choice(Option::quota_db);
  store.statuscache_backend = conf.choice(Option::statuscache_db);
  store.statuscache = conf.is_on(Option::statuscache);
  store.conversations = conf.is_on(Option::conversations);
  store.sync_log = conf.is_on(Option::sync_log);
  store.sync_log_channels = conf.text(Option::sync_log_channels).value_or("");
  store.audit_log = conf.is_on(Option::auditlog);
  store.read_only = conf.is_on(Option::readonly);
  store.implicit_owner_rights = conf.text(Option::implicit_owner_rights).value_or(store.implicit_owner_rights);
  store.duplicate_suppression = conf.is_on(Option::duplicatesuppression);
  store.deliver_backend = conf.choice(Option::duplicate_db);
  store.single_instance_store = conf.is_on(Option::singleinstancestore);
  store.message_parsing.max_header_lines = positive(conf.integer(Option::maxheaderlines));
  store.message_parsing.boundary_limit = positive(conf.integer(Option::boundary_limit));
  store.message_parsing.strict_boundaries = conf.is_on(Option::rfc2046_strict);
  store.excluded_special_uses = conf.text(Option::lmtp_exclude_specialuse).value_or("");
  store.lmtp_strict_quota = conf.is_on(Option::lmtp_strict_quota);
  store.sieve_directory = conf.text(Option::sievedir).value_or("/usr/sieve");
  store.sieve_use_home_directory = conf.is_on(Option::sieveusehomedir);
  store.lmtp_ignore_sieve = conf.is_on(Option::lmtp_ignore_sieve);
  store.pop_use_imap_flags = conf.is_on(Option::popuseimapflags);
  store.pop_use_acl = conf.is_on(Option::popuseacl);
  store.uidl_format = uidl_format(conf.choice(Option::uidl_format));
  store.delete_mode = conf.choice(Option::delete_mode) == "immediate" ? DeleteMode::immediate : DeleteMode::delayed;
  store.default_options = static_cast<std::uint32_t>(conf.integer(Option::mailbox_default_options));
  store.autocreate = autocreate_options(conf);
  store.expunge_mode = expunge_mode(conf.choice(Option::expunge_mode));
  // Has no default in the table: unset means none.
  if (conf.is_set(Option::popminpoll)) store.pop_min_poll = conf.duration(Option::popminpoll);
  store.pop_poll_padding = conf.integer(Option::poppollpadding);
  return store;
}

}  // namespace cyrus
