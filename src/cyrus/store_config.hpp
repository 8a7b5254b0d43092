#pragma once

#include "base/result.hpp"
#include "mime/message.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace config {
class ImapdConf;
}

namespace cyrus {

/// virtdomains
enum class VirtualDomains { off, userid, on };
/// uidl_format: the shape of unique-ids of mailboxes that have the POP3_NEW_UIDL bit.
enum class UidlFormat { uidonly, cyrus, dovecot, courier };
/// expunge_mode: what an expunge leaves on disk.
enum class ExpungeMode { immediate, semidelayed, delayed };

/// delete_mode: what deleting a mailbox leaves.
enum class DeleteMode { immediate, delayed };

/// The autocreate options: who gets an INBOX when none is there, and what comes with it.
struct AutocreateOptions {
  /// In KiB; 0 and less: no storage quota. Below 0 nobody gets an INBOX.
  std::int64_t quota_kib = -1;
  std::int64_t quota_messages = -1;  ///< below 0: no message quota
  bool post = false;                 ///< also at the delivery of a message
  std::string inbox_folders;         ///< "Sent | Spam"
  std::string subscribe_folders;
  std::string users = "anyone";
  std::string acl;  ///< "FOLDER IDENTIFIER RIGHTS", repeated
  std::string subscribe_shared_folders;
  bool subscribe_all_shared_folders = false;
  std::map<std::string, std::string> special_uses;  ///< folder -> "\Drafts", of xlist-FLAG
  bool sieve_script = false;                        ///< autocreate_sieve_script is set, and is not carried out here

  bool on() const { return quota_kib >= 0; }
};

/// The files of a mailbox that metapartition_files and metadir-FILE-PARTITION can move (doc/format/layout.md).
enum class MetaFile { header, index, cache, expunge, squat, annotations, dav, archivecache };

/// What imapd.conf says about the mail store, as plain values: safe to copy, shared between threads once made.
///
/// The members have the defaults of Cyrus 3.6, except for those without one there (config_directory, partitions).
struct StoreConfig {
  using Roots = std::map<std::string, std::filesystem::path, std::less<>>;  ///< partition name (lower case) -> root

  std::filesystem::path config_directory;
  std::string default_partition = "default";
  Roots partitions;          ///< partition-NAME
  Roots metapartitions;      ///< metapartition-NAME
  Roots archive_partitions;  ///< archivepartition-NAME
  std::set<MetaFile> metapartition_files;
  /// metadir-FILE-PARTITION: beats metapartition-NAME for that one file.
  std::map<std::pair<MetaFile, std::string>, std::filesystem::path> metadirs;

  bool hash_spool = false;     ///< hashimapspool
  bool full_dir_hash = false;  ///< fulldirhash
  bool legacy_dirs = false;    ///< mailbox_legacy_dirs: for new mailboxes only; old ones say it in their record
  bool unix_hierarchy_sep = true;
  VirtualDomains virtual_domains = VirtualDomains::off;
  std::string default_domain = "internal";
  std::string deleted_prefix = "DELETED";

  std::filesystem::path lock_path;  ///< mboxname_lockpath, else CONF/lock
  bool global_lock = true;          ///< take $GLOBAL shared before the first exclusive lock (Cyrus 3.12 and later)
  std::chrono::milliseconds lock_timeout{30'000};  ///< for callers that retry after Errc::busy
  std::string server_name;                         ///< servername, else the host name: tells local from remote records

  std::filesystem::path mailboxes_db;  ///< mboxlist_db_path, else CONF/mailboxes.db
  bool reverse_acls = false;           ///< reverseacls: mailboxes.db has an index that is not kept up here
  bool murder = false;                 ///< mupdate_server: the mailbox list is shared with other servers
  bool improved_mboxlist_sort =
      false;  ///< mailboxes.db may be sorted in another order: look up by walking, never write
  std::filesystem::path annotation_db;  ///< annotation_db_path, else CONF/annotations.db
  std::string annotation_backend = "twoskip";
  std::filesystem::path quota_db;  ///< quota_db_path, else CONF/quota
  std::string quota_backend = "quotalegacy";
  std::string mailboxes_backend = "twoskip";
  std::string statuscache_backend = "twoskip";
  std::filesystem::path statuscache_db;  ///< statuscache_db_path, else CONF/statuscache.db
  bool statuscache = false;
  bool conversations = false;
  bool sync_log = false;
  std::string sync_log_channels;
  bool audit_log = false;
  std::filesystem::path idle_socket;            ///< idlesocket, else CONF/socket/idle
  std::filesystem::path proc_path;              ///< proc_path, else CONF/proc
  std::string admins;                           ///< admins and proxyservers: names without a mailbox of their own
  bool unix_groups = true;                      ///< unix_group_enable: group:NAME in admins and autocreate_users
  bool read_only = false;                       ///< readonly: nothing is changed
  std::string implicit_owner_rights = "lkxan";  ///< with pop_use_acl: what a user has in the own mailboxes anyhow

  bool duplicate_suppression = true;        ///< duplicatesuppression
  std::string deliver_backend = "twoskip";  ///< duplicate_db
  std::filesystem::path deliver_db;         ///< duplicate_db_path, else CONF/deliver.db
  bool single_instance_store = true;
  mime::ParseOptions message_parsing;     ///< maxheaderlines, boundary_limit, rfc2046_strict
  std::string excluded_special_uses;      ///< lmtp_exclude_specialuse: folders that mail goes past, to INBOX
  bool lmtp_strict_quota = false;         ///< the message itself must fit into the quota
  std::filesystem::path sieve_directory;  ///< sievedir
  bool sieve_use_home_directory = false;  ///< sieveusehomedir
  bool lmtp_ignore_sieve = false;         ///< deliver past active Sieve scripts

  bool pop_use_imap_flags = false;
  bool pop_use_acl = false;
  UidlFormat uidl_format = UidlFormat::cyrus;
  ExpungeMode expunge_mode = ExpungeMode::delayed;
  DeleteMode delete_mode = DeleteMode::delayed;
  std::uint32_t default_options = 0;  ///< mailbox_default_options
  AutocreateOptions autocreate;
  std::chrono::seconds pop_min_poll{0};  ///< popminpoll
  int pop_poll_padding = 1;              ///< poppollpadding
};

/// The store part of imapd.conf. Does not touch the disk.
///
/// Errors: invalid (a relative configdirectory, partition or lock path; no partition at all).
base::Result<StoreConfig> store_config(const config::ImapdConf& conf);

}  // namespace cyrus
