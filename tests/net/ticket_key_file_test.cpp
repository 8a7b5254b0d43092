#include "net/ticket_key_file.hpp"

#include "base/file_lock.hpp"
#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net {
namespace {

using base::Errc;
namespace fs = std::filesystem;

constexpr std::chrono::hours kDay{24};
constexpr std::int64_t kNow = 1'800'000'000;

class TicketKeyFileTest : public ::testing::Test {
 protected:
  TicketKeyFileTest() {
    std::string name = (fs::temp_directory_path() / "pillarbox-tickets-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder = name;
    path = folder / "pillarbox" / "tls_tickets.pop3";
  }
  ~TicketKeyFileTest() override {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  Errc error_at(std::int64_t now) const {
    const auto keys = TicketKeyFile(path, kDay).current(now);
    return keys ? Errc::io : keys.error().code;
  }

  fs::path folder;
  fs::path path;
};

TEST_F(TicketKeyFileTest, IsMadeForItsOwnerAlone) {
  ASSERT_TRUE(TicketKeyFile(path, kDay).current(kNow));
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  ASSERT_EQ(::stat(path.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(TicketKeyFileTest, GivesAllProcessesTheSameKeysUntilTheyRotate) {
  const auto first = TicketKeyFile(path, kDay).current(kNow);
  const auto second = TicketKeyFile(path, kDay).current(kNow + 3600);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->text(), second->text());
  const auto later = TicketKeyFile(path, kDay).current(kNow + 6 * 3600);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->size(), 2U);
  EXPECT_NE(later->find(first->newest().name), nullptr);
  EXPECT_EQ(TicketKeyFile(path, kDay).current(kNow + 6 * 3600)->text(), later->text());
}

TEST_F(TicketKeyFileTest, RotatesOnceWhenManyFindItDue) {
  std::vector<std::string> seen(8);
  {
    std::vector<std::thread> threads;
    for (std::string& text : seen) {
      threads.emplace_back([this, &text] {
        for (int tries = 0; tries < 1000; ++tries) {
          const auto keys = TicketKeyFile(path, kDay).current(kNow);
          if (keys) {
            text = keys->text();
            return;
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const std::string& text : seen) EXPECT_EQ(text, seen.front());
  EXPECT_NE(seen.front(), "");
}

TEST_F(TicketKeyFileTest, GoesOnWithOldKeysWhileAnotherRotates) {
  const auto first = TicketKeyFile(path, kDay).current(kNow);
  ASSERT_TRUE(first);
  const base::UniqueFd other(::open((path.native() + ".lock").c_str(), O_RDWR));
  {
    const auto lock = base::FileLock::try_lock(other.value(), base::LockMode::exclusive, "test");
    ASSERT_TRUE(lock);
    EXPECT_EQ(TicketKeyFile(path, kDay).current(kNow + 7 * 3600)->text(), first->text());
    fs::remove(path);
    EXPECT_EQ(error_at(kNow), Errc::busy);
  }
  EXPECT_TRUE(TicketKeyFile(path, kDay).current(kNow));
}

TEST_F(TicketKeyFileTest, ReplacesAFileThatHoldsSomethingElse) {
  ASSERT_TRUE(TicketKeyFile(path, kDay).current(kNow));
  for (const std::string& text : {std::string(), std::string("nonsense\n"), std::string(100'000, 'x')}) {
    std::ofstream(path, std::ios::trunc) << text;
    const auto keys = TicketKeyFile(path, kDay).current(kNow);
    ASSERT_TRUE(keys) << keys.error().text;
    EXPECT_EQ(keys->size(), 1U);
    EXPECT_EQ(TicketKeyFile(path, kDay).current(kNow)->text(), keys->text());
  }
}

TEST_F(TicketKeyFileTest, RefusesAFileThatOthersCanReadOrThatIsNone) {
  ASSERT_TRUE(TicketKeyFile(path, kDay).current(kNow));
  fs::permissions(path, fs::perms(0640));
  EXPECT_EQ(error_at(kNow), Errc::permission);
  fs::rename(path, folder / "elsewhere");
  fs::permissions(folder / "elsewhere", fs::perms(0600));
  fs::create_symlink(folder / "elsewhere", path);
  EXPECT_EQ(error_at(kNow), Errc::permission);
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error_at(kNow), Errc::permission);
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(error_at(kNow), Errc::permission);
}

TEST_F(TicketKeyFileTest, TakesNoNoticeOfWhatAKilledWriterLeft) {
  ASSERT_TRUE(TicketKeyFile(path, kDay).current(kNow));
  std::ofstream(path.native() + ".new") << "half";
  EXPECT_EQ(TicketKeyFile(path, kDay).current(kNow + 7 * 3600)->size(), 2U);
  EXPECT_FALSE(fs::exists(path.native() + ".new"));
}

}  // namespace
}  // namespace net
