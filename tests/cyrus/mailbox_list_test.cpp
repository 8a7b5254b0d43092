#include "cyrus/mailbox_list.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "config/imapd_conf.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/twoskip_builder.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

namespace cyrus {
namespace {

using base::Errc;
using testing::TwoskipBuilder;

StoreConfig config_of(const support::SampleStore& sample) {
  const auto conf = config::ImapdConf::load(sample.imapd_conf(), "pop3");
  if (!conf) throw std::runtime_error(conf.error().text);
  auto store = store_config(*conf);
  if (!store) throw std::runtime_error(store.error().text);
  return *store;
}

// A file mailboxes.db in a directory of its own.
class DatabaseFile {
 public:
  DatabaseFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pillarbox-list-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
  }
  DatabaseFile(const DatabaseFile&) = delete;
  DatabaseFile& operator=(const DatabaseFile&) = delete;
  ~DatabaseFile() { std::filesystem::remove_all(directory_); }

  std::filesystem::path path() const { return directory_ / "mailboxes.db"; }

  StoreConfig config() const {
    StoreConfig store;
    store.mailboxes_db = path();
    store.server_name = "mx.example.net";
    return store;
  }

  void write(std::string_view text) const { std::ofstream(path(), std::ios::binary | std::ios::trunc) << text; }

  void write(const std::vector<unsigned char>& bytes) const {
    write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

 private:
  std::filesystem::path directory_;
};

MailboxName named(std::string_view intname) { return *MailboxName::from_intname(intname); }

std::string id_record(const std::string& dbname) { return "%(T e N \"" + dbname + "\" P default V 1 H ())"; }
std::string record(const std::string& id) { return "%(T e I " + id + " P default V 1 C 1 F 1 M 1 A %(eve lrs))"; }

void add(TwoskipBuilder& builder, std::string_view intname, const std::string& id) {
  const std::string dbname = named(intname).dbname();
  builder.store("N" + dbname, record(id), 1 + static_cast<int>(intname.size() % 4));
  builder.store("I" + id, id_record(dbname), 1);
}

Errc failure(const DatabaseFile& file, std::string_view intname) {
  const MailboxList list(file.config());
  const auto found = list.find(named(intname));
  EXPECT_FALSE(found) << intname;
  return found ? Errc::limit : found.error().code;
}

struct Sample {
  const char* archive;
  std::vector<const char*> mailboxes;
};

TEST(MailboxList, FindsEveryMailboxOfRealStoresWithItsFiles) {
  for (const Sample& sample :
       {Sample{"cyrus361-one", {"user.eve"}}, Sample{"cyrus361-uuid", {"user.alice", "user.alice.Archive", "user.bob"}},
        Sample{"cyrus361-legacy-conv", {"example.com!user.ann^lee", "user.ann^lee"}},
        Sample{"cyrus3121-uuid", {"user.alice", "user.alice.INBOX.Archive", "user.bob"}},
        Sample{"cyrus-v20-uuid", {"user.alice", "user.alice.INBOX.Archive", "user.bob"}}}) {
    SCOPED_TRACE(sample.archive);
    const support::SampleStore store(sample.archive);
    const StoreConfig config = config_of(store);
    const MailboxList list(config);
    std::vector<std::string> seen;
    ASSERT_TRUE(list.for_each([&](base::Result<MailboxRecord> found) {
      EXPECT_TRUE(found) << (found ? "" : found.error().text);
      if (found) seen.push_back(found->name.intname());
      return true;
    }));
    EXPECT_EQ(seen, std::vector<std::string>(sample.mailboxes.begin(), sample.mailboxes.end()));
    for (const char* intname : sample.mailboxes) {
      const auto found = list.find(named(intname));
      ASSERT_TRUE(found) << found.error().text;
      EXPECT_TRUE(found->usable());
      EXPECT_EQ(found->partition, "default");
      EXPECT_EQ(found->legacy_layout, config.legacy_dirs);
      EXPECT_EQ(found->acl.at(0).identifier, found->name.userid());
      EXPECT_EQ(found->acl.at(0).rights, "lrswipkxtecdan");
      const auto paths = MailboxPaths::of(*found, config);
      ASSERT_TRUE(paths);
      EXPECT_TRUE(std::filesystem::is_directory(paths->data_directory())) << paths->data_directory();
      EXPECT_TRUE(std::filesystem::is_regular_file(paths->file(MetaFile::index)));
      EXPECT_TRUE(std::filesystem::is_regular_file(paths->file(MetaFile::header)));
      EXPECT_TRUE(std::filesystem::is_regular_file(paths->file(MetaFile::cache)));
      EXPECT_TRUE(std::filesystem::is_regular_file(paths->message(maildrop::Uid{1}, false)));
      // cyrus.header says the same of itself.
      const auto header = base::read_file(paths->file(MetaFile::header), 4096);
      ASSERT_TRUE(header);
      EXPECT_NE(header->find(std::string("N ") + intname), std::string::npos);
      EXPECT_NE(header->find(found->uniqueid), std::string::npos);
    }
    EXPECT_EQ(list.find(named("user.nobody")).error().code, Errc::not_found);
  }
}

TEST(MailboxList, RecordsHaveTheValuesOfTheSamples) {
  const support::SampleStore store("cyrus-v20-uuid");
  const MailboxList list(config_of(store));
  const auto alice = list.find(named("user.alice"));
  ASSERT_TRUE(alice);
  EXPECT_EQ(alice->uidvalidity, 1795388159U);
  EXPECT_EQ(alice->uniqueid, "13acd64a-2f3b-47ca-80db-bfca94638795");
  EXPECT_EQ(alice->jmap_id, "P-F");
}

TEST(MailboxList, AMissingDatabaseIsNoMissingMailbox) {
  const DatabaseFile file;
  EXPECT_EQ(failure(file, "user.eve"), Errc::io);
}

TEST(MailboxList, AnEmptyFileIsNoMissingMailbox) {
  const DatabaseFile file;
  file.write("");
  EXPECT_EQ(failure(file, "user.eve"), Errc::corrupt);
}

TEST(MailboxList, OtherKindsOfDatabaseAreUnsupported) {
  const DatabaseFile file;
  file.write("\xa1\x02\x8b\x0dtwomfile and so on");
  EXPECT_EQ(failure(file, "user.eve"), Errc::unsupported);
  std::filesystem::remove(file.path());
  std::filesystem::create_directory(file.path());  // zeroskip
  EXPECT_EQ(failure(file, "user.eve"), Errc::unsupported);
}

TEST(MailboxList, NeverWaitsForAWriter) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  add(builder, "user.eve", "id-of-eve");
  builder.commit();
  file.write(builder.bytes());
  const MailboxList list(file.config());
  {
    const auto fd = base::open_file(file.path(), O_RDWR);
    const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, "test");
    ASSERT_TRUE(lock);
    const auto found = list.find(named("user.eve"));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::busy);
  }
  EXPECT_TRUE(list.find(named("user.eve")));
  // And leaves no lock behind.
  const auto fd = base::open_file(file.path(), O_RDWR);
  EXPECT_TRUE(base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, "test"));
}

TEST(MailboxList, SeesWhatIsWrittenAfterItsFirstLook) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  add(builder, "user.eve", "id-of-eve");
  builder.commit();
  file.write(builder.bytes());
  const MailboxList list(file.config());
  ASSERT_TRUE(list.find(named("user.eve")));
  EXPECT_EQ(list.find(named("user.new")).error().code, Errc::not_found);
  add(builder, "user.new", "id-of-new");
  builder.commit();
  file.write(builder.bytes());
  EXPECT_TRUE(list.find(named("user.new")));
}

TEST(MailboxList, FollowsAFileThatIsRenamedIntoPlace) {
  const DatabaseFile file;
  TwoskipBuilder old;
  add(old, "user.eve", "id-of-eve");
  old.commit();
  file.write(old.bytes());
  const MailboxList list(file.config());
  ASSERT_TRUE(list.find(named("user.eve")));
  const DatabaseFile other;
  TwoskipBuilder repacked;
  add(repacked, "user.ann", "id-of-ann");
  repacked.commit();
  other.write(repacked.bytes());
  std::filesystem::rename(other.path(), file.path());
  EXPECT_TRUE(list.find(named("user.ann")));
  EXPECT_EQ(list.find(named("user.eve")).error().code, Errc::not_found);
}

TEST(MailboxList, AnUncleanFileIsRead) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  add(builder, "user.eve", "id-of-eve");
  builder.commit();
  add(builder, "user.lost", "id-of-lost");  // never committed
  file.write(builder.bytes());
  EXPECT_TRUE(MailboxList(file.config()).find(named("user.eve")));
  EXPECT_EQ(failure(file, "user.lost"), Errc::not_found);
}

TEST(MailboxList, TheRecordOfTheUniqueidMustAgree) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  builder.store("N" + named("user.eve").dbname(), record("id-of-eve"), 1);
  builder.store("N" + named("user.ann").dbname(), record("id-of-ann"), 1);
  builder.store("Iid-of-eve", id_record(named("user.bob").dbname()), 1);
  builder.commit();
  file.write(builder.bytes());
  EXPECT_EQ(failure(file, "user.eve"), Errc::corrupt);  // names another mailbox
  EXPECT_EQ(failure(file, "user.ann"), Errc::corrupt);  // has none
}

TEST(MailboxList, ATombstoneIsFoundThoughItsIdLivesOn) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  builder.store("N" + named("user.eve").dbname(), "%(T ed I id-of-eve V 1 C 1 F 1 M 1)", 1);
  builder.store("Iid-of-eve", id_record(named("DELETED.user.eve.6B035A5C").dbname()), 1);
  builder.commit();
  file.write(builder.bytes());
  const auto found = MailboxList(file.config()).find(named("user.eve"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->deleted);
  EXPECT_FALSE(found->usable());
}

TEST(MailboxList, PlainKeysAreRecordsOfOldReleases) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  builder.store("example.com!user.al^dot", "%(P default V 7 A %(al lrs))", 2);
  builder.store("user.eve", "0 default eve\tlrs\t", 1);
  builder.store("Ideas", "0 default anyone\tlrs\t", 1);  // a shared mailbox, no uniqueid
  builder.store("$RUNQ$0123456789abcdef$user.eve", "", 1);
  builder.commit();
  file.write(builder.bytes());
  const MailboxList list(file.config());
  EXPECT_EQ(list.find(named("example.com!user.al^dot"))->uidvalidity, 7U);
  EXPECT_TRUE(list.find(named("user.eve"))->legacy_layout);
  std::vector<std::string> seen;
  ASSERT_TRUE(list.for_each([&](base::Result<MailboxRecord> found) {
    seen.push_back(found ? found->name.intname() : found.error().text);
    return true;
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{"Ideas", "example.com!user.al^dot", "user.eve"}));
}

TEST(MailboxList, PlainKeysAmongNewOnesAreNotServed) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  add(builder, "user.ann", "id-of-ann");
  builder.store("user.eve", "0 default eve\tlrs\t", 1);
  builder.commit();
  file.write(builder.bytes());
  EXPECT_EQ(failure(file, "user.eve"), Errc::not_found);
}

TEST(MailboxList, AnotherOrderOfKeysIsWalked) {
  // With improved_mboxlist_sort the separator sorts below all else: "user.a.x" stands before "user.a-b".
  const DatabaseFile file;
  const std::string text = "user.a\t0 default a\tlrs\t\nuser.a.x\t0 default a\tlrs\t\nuser.a-b\t0 default ab\tlrs\t\n";
  file.write(text);
  StoreConfig config = file.config();
  config.improved_mboxlist_sort = true;
  const MailboxList list(config);
  EXPECT_TRUE(list.find(named("user.a.x")));
  EXPECT_EQ(list.find(named("user.a-b"))->acl, (std::vector<AclEntry>{{"ab", "lrs"}}));
  EXPECT_EQ(list.find(named("user.b")).error().code, Errc::not_found);
}

TEST(MailboxList, ATwoskipFileThatMayHaveAnotherOrderIsWalked) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  for (const char* intname : {"user.a", "user.a-b", "user.a.x"})
    add(builder, intname, "id-" + named(intname).components().back());
  builder.commit();
  std::vector<unsigned char> bytes = builder.bytes();
  // The dummy's short cuts are damaged: a search would stumble, a walk does not look at them.
  for (std::size_t slot = 88; slot < 336 - 8; slot += 8) base::store_be64(bytes, slot, 8);
  base::store_be32(bytes, 328, base::crc32(std::span(bytes).subspan(64, 264)));
  file.write(bytes);
  StoreConfig config = file.config();
  EXPECT_EQ(failure(file, "user.a-b"), Errc::corrupt);
  config.improved_mboxlist_sort = true;
  const MailboxList list(config);
  for (const char* intname : {"user.a", "user.a-b"}) EXPECT_TRUE(list.find(named(intname))) << intname;
  EXPECT_EQ(list.find(named("user.b")).error().code, Errc::not_found);
}

TEST(MailboxList, FlatFilesAreRead) {
  const DatabaseFile file;
  const std::string dbname = named("user.eve").dbname();
  file.write("Iid-of-eve\t" + id_record(dbname) + "\nN" + dbname + "\t" + record("id-of-eve") + "\n");
  EXPECT_EQ(MailboxList(file.config()).find(named("user.eve"))->uniqueid, "id-of-eve");
  file.write("user.eve\t0 default eve\xff\x89lrs\xff\x89\n");  // escaped tabs
  EXPECT_EQ(MailboxList(file.config()).find(named("user.eve"))->acl, (std::vector<AclEntry>{{"eve", "lrs"}}));
  file.write("user.eve\t0 default eve");  // cut short
  EXPECT_EQ(failure(file, "user.eve"), Errc::corrupt);
}

// A skiplist file of two committed records in its log, as one transaction on an empty file leaves it.
std::string skiplist_of(const std::map<std::string, std::string>& items, bool committed) {
  std::string file("\xa1\x02\x8b\x0dskiplist file\0\0\0", 20);
  const auto put = [&file](std::uint32_t number) {
    unsigned char bytes[4];
    base::store_be32(bytes, 0, number);
    file.append(reinterpret_cast<const char*>(bytes), 4);
  };
  for (const std::uint32_t number : {1U, 2U, 20U, 1U, static_cast<std::uint32_t>(items.size()), 144U, 0U}) put(number);
  put(257);
  put(0);
  put(0);
  put(items.empty() ? 0 : 144);
  for (int i = 1; i < 20; ++i) put(0);
  put(0xffffffff);
  for (const auto& [key, value] : items) {
    put(2);
    for (const std::string& part : {key, value}) {
      put(static_cast<std::uint32_t>(part.size()));
      file += part;
      file.resize((file.size() + 3) / 4 * 4);
    }
    const auto next = static_cast<std::uint32_t>(file.size() + 8);
    put(key == items.rbegin()->first ? 0 : next);
    put(0xffffffff);
  }
  if (committed) put(255);
  return file;
}

TEST(MailboxList, SkiplistFilesAreRead) {
  const DatabaseFile file;
  file.write(skiplist_of({{"user.ann", "0 default ann\tlrs\t"}, {"user.eve", "0 default eve\tlrs\t"}}, true));
  const MailboxList list(file.config());
  EXPECT_EQ(list.find(named("user.ann"))->acl.at(0).identifier, "ann");
  EXPECT_EQ(list.find(named("user.eve"))->acl.at(0).identifier, "eve");
  EXPECT_EQ(list.find(named("user.bob")).error().code, Errc::not_found);
}

TEST(MailboxList, AnUnfinishedSkiplistTransactionIsCorrupt) {
  const DatabaseFile file;
  file.write(skiplist_of({{"user.eve", "0 default eve\tlrs\t"}}, false));
  EXPECT_EQ(failure(file, "user.eve"), Errc::corrupt);
  const std::string whole = skiplist_of({{"user.eve", "0 default eve\tlrs\t"}}, true);
  for (std::size_t size = 20; size < whole.size(); ++size) {
    file.write(whole.substr(0, size));
    EXPECT_EQ(failure(file, "user.eve"), Errc::corrupt) << size;
  }
}

TEST(MailboxList, ManyThreadsMayAskAtOnce) {
  const DatabaseFile file;
  TwoskipBuilder builder;
  for (int i = 0; i < 200; ++i) add(builder, "user.u" + std::to_string(i), "id-" + std::to_string(i));
  builder.commit();
  file.write(builder.bytes());
  const MailboxList list(file.config());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&list, &wrong, t] {
      for (int i = t; i < 200; i += 2) {
        const auto found = list.find(named("user.u" + std::to_string(i)));
        if (!found || found->uniqueid != "id-" + std::to_string(i)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  const auto fd = base::open_file(file.path(), O_RDWR);
  EXPECT_TRUE(base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, "test"));
}

}  // namespace
}  // namespace cyrus
