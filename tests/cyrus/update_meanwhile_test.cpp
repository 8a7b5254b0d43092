#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "cyrus/update.hpp"
#include "cyrus/update_support.hpp"
#include "support/store_checker.hpp"
#include "support/store_maker.hpp"
#include "support/temp_directory.hpp"
#include "support/tree_contents.hpp"
#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

// One mailbox, what happens to it between login and QUIT, and who is told of the change.

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using maildrop::MessageNumber;
using support::StoreMaker;

class UpdateTest : public ::testing::Test {
 protected:
  UpdateTest() : maker_(directory_.path(), shape(), 5) {
    const auto mailbox = maker_.add_plain("ann", 5);
    maker_.finish();
    config_ = maker_.config();
    files_ = support::mailbox_files(config_, mailbox.intname);
    support::make_consistent(files_);
  }

  static support::StoreShape shape() {
    support::StoreShape shape;
    shape.hash_spool = true;
    return shape;
  }

  std::unique_ptr<maildrop::Maildrop> session() { return open(config_, "ann", log_); }

  std::unique_ptr<maildrop::Maildrop> session_deleting(std::uint32_t number) {
    auto drop = session();
    drop->mark_deleted(MessageNumber{number});
    return drop;
  }

  void set_quota_root(const std::string& root) {
    auto text = base::read_file(files_.header, 10'000).value();
    const auto at = text.find(" A ");
    text.insert(at, " Q " + root);
    std::ofstream(files_.header, std::ios::binary) << text;
    support::make_consistent(files_);
  }

  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }

  /// Every file below the root with its bytes; without lock files.
  std::map<std::string, std::string> tree() const { return support::tree_contents(directory_.path()); }

  support::TempDirectory directory_;
  StoreMaker maker_;
  StoreConfig config_;
  support::MailboxFiles files_;
  Strings lines_;
  base::Log log_{[this](base::Severity, std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(UpdateTest, CountsOnlyWhatThisSessionRemoved) {
  auto first = session_deleting(2);
  auto second = session_deleting(2);
  second->mark_deleted(MessageNumber{3});
  ASSERT_EQ(first->update()->removed, 1u);
  const auto report = second->update();
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->removed, 1u);
  EXPECT_EQ(header_of(files_.index).exists, 3u);
  EXPECT_EQ(support::check_store(config_), Strings{});
}

TEST_F(UpdateTest, FindsMessagesByUidAfterARepack) {
  auto drop = session_deleting(4);
  // As a repack does: another file, a higher generation, fewer records in other places.
  auto bytes = base::read_file(files_.index, 100'000).value();
  bytes.erase(160, 2 * 112);
  bytes[3] = 1;
  bytes[23] = 3;
  write(files_.index.native() + ".NEW", bytes);
  fs::rename(files_.index.native() + ".NEW", files_.index);
  support::make_consistent(files_);
  const auto report = drop->update();
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->removed, 1u);
  EXPECT_TRUE(records_of(files_.index).at(4).has(flag_bit::kExpunged));
  EXPECT_EQ(support::check_store(config_), Strings{});
}

TEST_F(UpdateTest, SkipsAMessageThatARepackForgot) {
  auto drop = session_deleting(1);
  drop->mark_deleted(MessageNumber{5});
  auto bytes = base::read_file(files_.index, 100'000).value();
  bytes.erase(160, 112);
  bytes[23] = 4;
  write(files_.index, bytes);
  support::make_consistent(files_);
  EXPECT_EQ(drop->update()->removed, 1u);
  EXPECT_EQ(support::check_store(config_), Strings{});
}

TEST_F(UpdateTest, RefusesAMailboxThatWasMadeAnew) {
  auto drop = session_deleting(1);
  auto header = base::read_file(files_.index, 100'000).value();
  header[47] = static_cast<char>(header[47] + 1);  // uidvalidity
  write(files_.index, header);
  support::make_consistent(files_);
  const auto before = tree();
  const auto report = drop->update();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::not_found) << report.error().text;
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, RefusesAMailboxWhoseFilesAreAboutToGo) {
  auto drop = session_deleting(1);
  auto header = base::read_file(files_.index, 100'000).value();
  header[60] = static_cast<char>(header[60] | 0x80);  // option DELETED
  write(files_.index, header);
  support::make_consistent(files_);
  const auto before = tree();
  EXPECT_EQ(drop->update().error().code, Errc::not_found);
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, RefusesAMailboxThatIsNotListedAnyMore) {
  auto drop = session_deleting(1);
  support::Random random(1);
  write(config_.mailboxes_db, support::twoskip_bytes({}, random));
  const auto before = tree();
  EXPECT_EQ(drop->update().error().code, Errc::not_found);
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, SaysNothingToAClientThatDeletedNothingWhenTheMailboxIsGone) {
  auto drop = session();
  support::Random random(1);
  write(config_.mailboxes_db, support::twoskip_bytes({}, random));
  EXPECT_TRUE(drop->update());
}

TEST_F(UpdateTest, RefusesAMessageThatIsNotTheOneListed) {
  auto drop = session_deleting(2);
  auto bytes = base::read_file(files_.index, 100'000).value();
  bytes[160 + 112 + 15] = static_cast<char>(bytes[160 + 112 + 15] + 1);  // its size
  write(files_.index, bytes);
  support::make_consistent(files_);
  const auto before = tree();
  const auto report = drop->update();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::corrupt) << report.error().text;
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, RefusesAnIndexWithADamagedRecord) {
  auto drop = session_deleting(3);
  auto bytes = base::read_file(files_.index, 100'000).value();
  bytes[160 + 2 * 112 + 40] ^= 1;
  write(files_.index, bytes);
  const auto before = tree();
  const auto report = drop->update();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::corrupt) << report.error().text;
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, IsBusyWithEveryByteAsBeforeWhileSomebodyHoldsAnyLock) {
  set_quota_root("user.ann");
  support::write_quota_files(config_);
  support::Random random(1);
  write(files_.annotations,
        support::twoskip_bytes(
            {{"1" + std::string(1, '\0') + "/comment" + std::string(2, '\0'), annotation_value("x", false)}}, random));
  support::make_consistent(files_);
  support::write_quota_files(config_);
  ASSERT_TRUE(session()->update());  // makes the lock files
  std::vector<fs::path> files = {config_.mailboxes_db, files_.index, files_.annotations,
                                 config_.config_directory / "quota/a/user.ann"};
  for (const auto& entry : fs::recursive_directory_iterator(config_.lock_path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  ASSERT_EQ(files.size(), 8u);  // $GLOBAL, two user locks and the name lock
  auto drop = session_deleting(1);
  const auto before = tree();
  for (const fs::path& held : files) {
    const auto fd = base::open_file(held, O_RDWR);
    const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, held.native());
    ASSERT_TRUE(lock);
    const auto report = drop->update();
    ASSERT_FALSE(report) << held;
    EXPECT_EQ(report.error().code, Errc::busy) << report.error().text;
    EXPECT_EQ(report.error().text.find("mailbox user.ann: "), 0u) << report.error().text;
    EXPECT_EQ(support::differences(before, tree()), Strings{}) << held;
  }
  ASSERT_TRUE(drop->update());
  EXPECT_EQ(support::check_store(config_), Strings{});
}

TEST_F(UpdateTest, NeedsTheUserLockForItselfAndOnlySharesTheOthers) {
  ASSERT_TRUE(session()->update());
  std::vector<fs::path> user_locks;
  std::vector<fs::path> others;
  for (const auto& entry : fs::recursive_directory_iterator(config_.lock_path)) {
    if (!entry.is_regular_file()) continue;
    const bool is_user = entry.path().native().find("*U*") != std::string::npos;
    (is_user ? user_locks : others).push_back(entry.path());
  }
  ASSERT_EQ(user_locks.size(), 2u);
  ASSERT_EQ(others.size(), 2u);  // $GLOBAL and the name lock
  auto drop = session_deleting(1);
  std::vector<base::UniqueFd> fds;
  std::vector<base::FileLock> held;
  for (const auto& file : others) {
    fds.push_back(base::open_file(file, O_RDWR).value());
    held.push_back(base::FileLock::try_lock(fds.back().value(), base::LockMode::shared, "other").value());
  }
  for (const auto& file : user_locks) {
    const auto fd = base::open_file(file, O_RDWR);
    const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::shared, "user");
    EXPECT_EQ(drop->update().error().code, Errc::busy) << file;
  }
  EXPECT_TRUE(drop->update());
}

TEST_F(UpdateTest, DoesNotHoldUpAClientThatDeletedNothing) {
  auto drop = session();
  const auto fd = base::open_file(files_.index, O_RDWR);
  const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::shared, "index");
  EXPECT_TRUE(drop->update());
  // With popminpoll the login counts, and is worth another attempt.
  config_.pop_min_poll = std::chrono::minutes(1);
  EXPECT_EQ(session()->update().error().code, Errc::busy);
}

TEST_F(UpdateTest, RefusesDeletionsOfAReadOnlyStore) {
  config_.read_only = true;
  const auto before = tree();
  EXPECT_EQ(session_deleting(1)->update().error().code, Errc::permission);
  EXPECT_TRUE(session()->update());
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, RefusesAQuotaDatabaseThatItDoesNotWrite) {
  set_quota_root("user.ann");
  config_.quota_backend = "twoskip";
  const auto before = tree();
  auto drop = session_deleting(1);
  const auto report = drop->update();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::unsupported);
  EXPECT_NE(report.error().text.find("quota_db twoskip"), std::string::npos) << report.error().text;
  EXPECT_EQ(support::differences(before, tree()), Strings{});
  // Flags take no space.
  config_.pop_use_imap_flags = true;
  drop = session();
  drop->mark_retrieved(MessageNumber{1});
  EXPECT_TRUE(drop->update());
  EXPECT_EQ(support::check_store(config_), Strings{});
}

TEST_F(UpdateTest, RefusesAStatuscacheWhoseOldCountsWouldStay) {
  config_.statuscache = true;
  config_.statuscache_db = config_.config_directory / "statuscache.db";
  write(config_.statuscache_db, std::string("\xa1\x02\x8b\x0dskiplist file\0\0\0", 20) + std::string(100, '\0'));
  const auto before = tree();
  auto drop = session_deleting(1);
  const auto report = drop->update();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::unsupported);
  EXPECT_NE(report.error().text.find("statuscache"), std::string::npos) << report.error().text;
  EXPECT_EQ(support::differences(before, tree()), Strings{});
  EXPECT_TRUE(session()->update());  // changes no count
  config_.pop_use_imap_flags = true;
  drop = session();
  drop->mark_retrieved(MessageNumber{1});
  EXPECT_TRUE(drop->update());
  EXPECT_FALSE(records_of(files_.index).at(1).has(flag_bit::kSeen));
}

TEST_F(UpdateTest, RefusesAQuotaRootThatLeadsElsewhere) {
  set_quota_root("user.ann/../../x");
  const auto before = tree();
  EXPECT_EQ(session_deleting(1)->update().error().code, Errc::corrupt);
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, WarnsOfAQuotaRootWithoutAFile) {
  set_quota_root("user.ann");
  EXPECT_TRUE(session_deleting(1)->update());
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("quota -f"), std::string::npos) << lines_[0];
}

TEST_F(UpdateTest, RefusesDamagedAnnotations) {
  write(files_.annotations, "no database at all");
  const auto before = tree();
  EXPECT_EQ(session_deleting(1)->update().error().code, Errc::unsupported);
  EXPECT_EQ(support::differences(before, tree()), Strings{});
}

TEST_F(UpdateTest, AsksTheAccessListOnlyWithPopuseacl) {
  // The owner of a made mailbox has all rights.
  config_.pop_use_acl = true;
  EXPECT_TRUE(session()->may_delete());
  const auto limited = [this](const std::string& rights) {
    const std::string rest = " P default V 1795000000 C 1 F 1 M 1 A %(ann " + rights + ")";
    const std::string id = files_.data_directory.filename();
    maker_.add_list_record(
        "Nuser\x1f"
        "ann",
        "%(T e I " + id + rest + ")");
    maker_.add_list_record("I" + id,
                           "%(T e N user\x1f"
                           "ann" +
                               rest + " H ())");
    support::Random random(1);
    write(config_.mailboxes_db, support::twoskip_bytes({{"Nuser\x1f"
                                                         "ann",
                                                         "%(T e I " + id + rest + ")"},
                                                        {"I" + id,
                                                         "%(T e N user\x1f"
                                                         "ann" +
                                                             rest + " H ())"}},
                                                       random));
  };
  limited("lrs");
  config_.pop_use_imap_flags = true;
  auto drop = session();
  EXPECT_FALSE(drop->may_delete());
  drop->mark_retrieved(MessageNumber{1});
  ASSERT_TRUE(drop->update());
  EXPECT_TRUE(records_of(files_.index).at(1).has(flag_bit::kSeen));
  drop = session_deleting(1);
  EXPECT_EQ(drop->update().error().code, Errc::permission);

  limited("lrt");
  drop = session_deleting(1);
  drop->mark_retrieved(MessageNumber{2});
  ASSERT_TRUE(drop->update());
  EXPECT_FALSE(records_of(files_.index).at(2).has(flag_bit::kSeen));

  limited("lst");
  const auto refused = Store(config_, log_).open_maildrop({"ann", ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::permission);
  config_.pop_use_acl = false;
  EXPECT_TRUE(session()->may_delete());
}

TEST_F(UpdateTest, RefusesALoginBeforePopminpollHasPassed) {
  config_.pop_min_poll = std::chrono::minutes(10);
  ASSERT_TRUE(session()->update());
  const auto early = Store(config_, log_).open_maildrop({"ann", ""});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::limit);
  EXPECT_EQ(early.error().text, "mailbox user.ann: Logins must be at least 10 minutes apart");
  config_.pop_min_poll = std::chrono::minutes(0);
  EXPECT_NO_THROW(session());
}

TEST_F(UpdateTest, LetsAsManyLoginsComeEarlyAsPoppollpaddingSays) {
  config_.pop_min_poll = std::chrono::minutes(10);
  config_.pop_poll_padding = 3;
  for (int login = 0; login < 3; ++login) ASSERT_TRUE(session()->update()) << login;
  EXPECT_EQ(Store(config_, log_).open_maildrop({"ann", ""}).error().code, Errc::limit);
}

TEST_F(UpdateTest, TellsReplicationOfEveryWrite) {
  config_.sync_log = true;
  config_.sync_log_channels = "\"\" squatter";
  ASSERT_TRUE(session_deleting(1)->update());
  ASSERT_TRUE(session()->update());
  for (const char* log : {"sync/log", "sync/squatter/log"}) {
    EXPECT_EQ(base::read_file(config_.config_directory / log, 1000).value(), "MAILBOX user.ann\nMAILBOX user.ann\n");
  }
}

TEST_F(UpdateTest, SucceedsWhenOnlyTheSyncLogCannotBeWritten) {
  config_.sync_log = true;
  fs::create_directories(config_.config_directory / "sync/log");
  const auto report = session_deleting(1)->update();
  ASSERT_TRUE(report) << report.error().text;
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("sync log"), std::string::npos) << lines_[0];
}

TEST_F(UpdateTest, ForgetsTheCountsInStatuscache) {
  config_.statuscache = true;
  config_.statuscache_db = config_.config_directory / "statuscache.db";
  support::Random random(1);
  write(config_.statuscache_db, support::twoskip_bytes({{"user.ann%", "I 8 (5 6 1795000000 1 9 1 6)"}}, random));
  ASSERT_TRUE(session_deleting(1)->update());
  const auto bytes = base::read_file(config_.statuscache_db, 100'000).value();
  const ReadAt read = [&bytes](std::span<unsigned char> into, std::uint64_t offset) -> base::Result<std::size_t> {
    if (offset >= bytes.size()) return std::size_t{0};
    const auto count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  };
  const auto reader = TwoskipReader::open(read, bytes.size(), "statuscache");
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->find("user.ann%").error().code, Errc::not_found);
}

TEST_F(UpdateTest, WakesIdleClientsAfterAChange) {
  config_.idle_socket = directory_.path() / "idle";
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  config_.idle_socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_TRUE(session()->update());  // no client would see a difference
  ASSERT_TRUE(session_deleting(1)->update());
  char message[100];
  const auto length = ::recv(socket.value(), message, sizeof message, 0);
  ASSERT_EQ(length, static_cast<ssize_t>(sizeof(long) + 9));
  EXPECT_EQ(std::string(message + sizeof(long), 9), std::string("user.ann\0", 9));
  EXPECT_EQ(message[0], 2);
  EXPECT_LT(::recv(socket.value(), message, sizeof message, 0), 0);
}

TEST_F(UpdateTest, LogsWhatAuditlogAsksFor) {
  config_.audit_log = true;
  config_.expunge_mode = ExpungeMode::immediate;
  auto drop = session_deleting(2);
  ASSERT_TRUE(drop->update("<id-1>"));
  const std::string where =
      " sessionid=<<id-1>> mailbox=<user.ann> uniqueid=<" + files_.data_directory.filename().native() + "> ";
  const std::string guid(40, '0');
  const std::string size = std::to_string(records_of(files_.index).at(2).size);
  const std::string modseq = std::to_string(header_of(files_.index).highestmodseq);
  EXPECT_EQ(lines_, (Strings{"auditlog: touched" + where + "uid=<2> guid=<" + guid + "> cid=<NIL> modseq=<" + modseq +
                                 "> oldflags=<> sysflags=<DE|NC|UN|EX>",
                             "auditlog: expunge" + where + "uid=<2> modseq=<" + modseq +
                                 "> sysflags=<DE|NC|UN|EX> guid=<" + guid + "> size=<" + size + ">",
                             "auditlog: modseq" + where + "highestmodseq=<" + modseq + "> deletedmodseq=<0>"}));
}

TEST_F(UpdateTest, NeverOpensADeletedMailbox) {
  config_.unix_hierarchy_sep = false;
  for (const char* user : {"DELETED.user.ann", "DELETED", "ann.6B035A5C"}) {
    EXPECT_FALSE(Store(config_, log_).open_maildrop({user, ""})) << user;
  }
  config_.unix_hierarchy_sep = true;
  EXPECT_EQ(Store(config_, log_).internal_name({"DELETED.user.ann", ""}), "user.DELETED^user^ann");
}

}  // namespace
}  // namespace cyrus
