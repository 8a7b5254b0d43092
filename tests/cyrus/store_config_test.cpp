#include "cyrus/store_config.hpp"

#include "config/imapd_conf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <stdlib.h>
#include <unistd.h>

namespace cyrus {
namespace {

// Reads the text as an imapd.conf(5) of the service pop3.
base::Result<StoreConfig> configured(std::string_view text) {
  std::string file = (std::filesystem::temp_directory_path() / "pillarbox-conf-XXXXXX").string();
  const int fd = ::mkstemp(file.data());
  if (fd < 0) throw std::runtime_error("mkstemp");
  ::close(fd);
  std::ofstream(file) << text;
  const auto conf = config::ImapdConf::load(file, "pop3");
  std::filesystem::remove(file);
  if (!conf) return tl::unexpected(conf.error());
  return store_config(*conf);
}

constexpr std::string_view kMinimum = "configdirectory: /conf\ndefaultpartition: default\npartition-default: /spool\n";

StoreConfig good(std::string_view more) {
  const auto store = configured(std::string(kMinimum) + std::string(more));
  EXPECT_TRUE(store) << (store ? "" : store.error().text);
  return store ? *store : StoreConfig{};
}

TEST(StoreConfig, HasTheDefaultsOfCyrus) {
  const StoreConfig store = good("");
  EXPECT_EQ(store.config_directory, "/conf");
  EXPECT_EQ(store.partitions, (StoreConfig::Roots{{"default", "/spool"}}));
  EXPECT_EQ(store.default_partition, "default");
  EXPECT_EQ(store.lock_path, "/conf/lock");
  EXPECT_EQ(store.mailboxes_db, "/conf/mailboxes.db");
  EXPECT_EQ(store.quota_db, "/conf/quota");
  EXPECT_TRUE(store.unix_hierarchy_sep);
  EXPECT_FALSE(store.hash_spool);
  EXPECT_FALSE(store.legacy_dirs);
  EXPECT_EQ(store.virtual_domains, VirtualDomains::off);
  EXPECT_EQ(store.default_domain, "internal");
  EXPECT_EQ(store.uidl_format, UidlFormat::cyrus);
  EXPECT_EQ(store.expunge_mode, ExpungeMode::delayed);
  EXPECT_EQ(store.pop_min_poll.count(), 0);
  EXPECT_EQ(store.pop_poll_padding, 1);
  EXPECT_TRUE(store.global_lock);
  EXPECT_FALSE(store.server_name.empty());
  EXPECT_TRUE(store.metapartition_files.empty());
}

TEST(StoreConfig, TakesWhatTheFileSays) {
  const StoreConfig store = good(
      "partition-fast: /fast\nmetapartition-default: /meta\narchivepartition-default: /archive\n"
      "metapartition_files: index header lock\nmetadir-cache-fast: /caches\nhashimapspool: yes\nfulldirhash: yes\n"
      "mailbox_legacy_dirs: yes\nunixhierarchysep: no\nvirtdomains: userid\ndefaultdomain: example.com\n"
      "mboxname_lockpath: /run/lock\nservername: mx.example.net\nmboxlist_db_path: /db/boxes\nuidl_format: dovecot\n"
      "expunge_mode: semidelayed\npopuseimapflags: yes\npopuseacl: yes\npopsubfolders: yes\nconversations: yes\n"
      "statuscache: yes\npopminpoll: 5\npoppollpadding: 3\npop3_lock_timeout: 7s\n");
  EXPECT_EQ(store.partitions, (StoreConfig::Roots{{"default", "/spool"}, {"fast", "/fast"}}));
  EXPECT_EQ(store.metapartitions, (StoreConfig::Roots{{"default", "/meta"}}));
  EXPECT_EQ(store.archive_partitions, (StoreConfig::Roots{{"default", "/archive"}}));
  EXPECT_EQ(store.metapartition_files, (std::set<MetaFile>{MetaFile::index, MetaFile::header}));
  EXPECT_EQ(store.metadirs.at({MetaFile::cache, "fast"}), "/caches");
  EXPECT_TRUE(store.hash_spool);
  EXPECT_TRUE(store.full_dir_hash);
  EXPECT_TRUE(store.legacy_dirs);
  EXPECT_FALSE(store.unix_hierarchy_sep);
  EXPECT_EQ(store.virtual_domains, VirtualDomains::userid);
  EXPECT_EQ(store.default_domain, "example.com");
  EXPECT_EQ(store.lock_path, "/run/lock");
  EXPECT_EQ(store.server_name, "mx.example.net");
  EXPECT_EQ(store.mailboxes_db, "/db/boxes");
  EXPECT_EQ(store.uidl_format, UidlFormat::dovecot);
  EXPECT_EQ(store.expunge_mode, ExpungeMode::semidelayed);
  EXPECT_TRUE(store.pop_use_imap_flags);
  EXPECT_TRUE(store.pop_use_acl);
  EXPECT_TRUE(store.conversations);
  EXPECT_TRUE(store.statuscache);
  EXPECT_EQ(store.pop_min_poll, std::chrono::minutes(5));
  EXPECT_EQ(store.pop_poll_padding, 3);
  EXPECT_EQ(store.lock_timeout, std::chrono::seconds(7));
}

TEST(StoreConfig, TakesTheRarerOptionsToo) {
  EXPECT_EQ(good("").deleted_prefix, "DELETED");
  EXPECT_EQ(good("").default_options, 0U);
  EXPECT_EQ(good("").statuscache_db, "/conf/statuscache.db");
  const StoreConfig store = good(
      "deletedprefix: GONE\nmailbox_default_options: 5\n"
      "statuscache_db_path: /db/counts\nquota_db_path: /db/quotas\nidlesocket: /run/idle\n");
  EXPECT_EQ(store.deleted_prefix, "GONE");
  EXPECT_EQ(store.default_options, 5U);
  EXPECT_EQ(store.statuscache_db, "/db/counts");
  EXPECT_EQ(store.quota_db, "/db/quotas");
  EXPECT_EQ(store.idle_socket, "/run/idle");
}

TEST(StoreConfig, TakesTheOptionsOfWriting) {
  const StoreConfig unset = good("");
  EXPECT_EQ(unset.delete_mode, DeleteMode::delayed);
  EXPECT_FALSE(unset.read_only || unset.sync_log || unset.audit_log || unset.murder || unset.reverse_acls);
  const StoreConfig store = good(
      "delete_mode: immediate\nglobal_lock: no\nreadonly: yes\nimplicit_owner_rights: lk\nsync_log: yes\n"
      "sync_log_channels: one two\nauditlog: yes\nmupdate_server: mupdate.example.net\nreverseacls: yes\n"
      "mboxlist_db: skiplist\nquota_db: twoskip\nstatuscache_db: skiplist\nimproved_mboxlist_sort: yes\nadmins: cyrus\n"
      "proxyservers: front\n");
  EXPECT_EQ(store.delete_mode, DeleteMode::immediate);
  EXPECT_FALSE(store.global_lock);
  EXPECT_TRUE(store.read_only);
  EXPECT_EQ(store.implicit_owner_rights, "lk");
  EXPECT_TRUE(store.sync_log);
  EXPECT_EQ(store.sync_log_channels, "one two");
  EXPECT_TRUE(store.audit_log);
  EXPECT_TRUE(store.murder);
  EXPECT_TRUE(store.reverse_acls);
  EXPECT_EQ(store.mailboxes_backend, "skiplist");
  EXPECT_EQ(store.quota_backend, "twoskip");
  EXPECT_EQ(store.statuscache_backend, "skiplist");
  EXPECT_TRUE(store.improved_mboxlist_sort);
  EXPECT_EQ(store.admins, "cyrus front");
}

TEST(StoreConfig, TakesTheOptionsOfMakingMailboxes) {
  const auto partition = configured("configdirectory: /conf\ndefaultpartition: Fast\npartition-fast: /fast\n");
  ASSERT_TRUE(partition) << partition.error().text;
  EXPECT_EQ(partition->default_partition, "fast");
  const AutocreateOptions unset = good("").autocreate;
  EXPECT_EQ(unset.quota_kib, -1);
  EXPECT_FALSE(unset.post);
  EXPECT_EQ(unset.users, "anyone");
  const StoreConfig store = good(
      "autocreate_quota: 500\nautocreate_quota_messages: 7\nautocreate_inbox_folders: a|b\n"
      "autocreate_subscribe_folders: b\nautocreate_users: ann bob\nautocreate_acl: a anyone p\n"
      "autocreate_post: yes\n");
  const AutocreateOptions& set = store.autocreate;
  EXPECT_EQ(set.quota_kib, 500);
  EXPECT_EQ(set.quota_messages, 7);
  EXPECT_EQ(set.inbox_folders, "a|b");
  EXPECT_EQ(set.subscribe_folders, "b");
  EXPECT_EQ(set.users, "ann bob");
  EXPECT_EQ(set.acl, "a anyone p");
  EXPECT_TRUE(set.post);
}

TEST(StoreConfig, TheServicesOwnLineBeatsThePlainOne) {
  const StoreConfig store = good("pop3_partition-default: /other\npop3_uidl_format: courier\n");
  EXPECT_EQ(store.partitions.at("default"), "/other");
  EXPECT_EQ(store.uidl_format, UidlFormat::courier);
}

TEST(StoreConfig, RefusesRelativePaths) {
  for (const char* line : {"metapartition-default: meta\n", "archivepartition-default: ./x\n", "partition-fast: fast\n",
                           "mboxname_lockpath: lock\n", "mboxlist_db_path: boxes\n", "metadir-index-default: x\n"}) {
    const auto store = configured(std::string(kMinimum) + line);
    ASSERT_FALSE(store) << line;
    EXPECT_EQ(store.error().code, base::Errc::invalid) << line;
  }
}

}  // namespace
}  // namespace cyrus
