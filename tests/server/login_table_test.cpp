#include "server/login_table.hpp"

#include "support/temp_directory.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace server {
namespace {

namespace fs = std::filesystem;
using base::Errc;

constexpr std::size_t kRecord = 64;

class LoginTableTest : public ::testing::Test {
 protected:
  /// A table as another process has it.
  std::unique_ptr<LoginTable> table(int per_user, int per_host = 0) const {
    return std::make_unique<LoginTable>(file(), proc().native(), "pop3", LoginLimits{per_user, per_host});
  }
  fs::path file() const { return directory_.path() / "pillarbox" / "logins.pop3"; }
  fs::path proc() const { return directory_.path() / "proc"; }

  void damage(std::size_t at, char to) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(to);
  }

  support::TempDirectory directory_;
};

std::uint64_t enter(LoginTable& table, std::string_view user, std::string_view host = "127.0.0.1") {
  const auto entrance = table.enter(user, host);
  if (!entrance) throw std::runtime_error(entrance.error().text);
  return entrance->ticket.value_or(0);
}

/// How many sessions of a user or from a host others count.
std::pair<int, int> counted(LoginTable& table, std::string_view user, std::string_view host = "127.0.0.1") {
  const auto entrance = table.enter(user, host);
  if (!entrance) throw std::runtime_error(entrance.error().text);
  if (entrance->ticket) table.leave(*entrance->ticket);
  return {entrance->of_user, entrance->of_host};
}

/// A process of its own that does `work` and then waits to be killed; its constructor returns when the work is done.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      work();
      if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char done = 0;
    const bool is_done = ::read(ends[0], &done, 1) == 1;
    for (const int end : ends) ::close(end);  // NOLINT: two ends of a pipe of a test
    if (!is_done) throw std::runtime_error("the child ended");
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill(); }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST_F(LoginTableTest, AdmitsAsManyAsTheLimitSaysAndAnotherWhenOneLeaves) {
  const auto logins = table(4);
  std::vector<std::uint64_t> tickets;
  for (int i = 0; i < 4; ++i) tickets.push_back(enter(*logins, "alice"));
  EXPECT_EQ(std::ranges::count(tickets, 0U), 0);
  const auto refused = logins->enter("alice", "127.0.0.1");
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->ticket);
  EXPECT_EQ(refused->of_user, 4);
  EXPECT_NE(enter(*logins, "bob"), 0U);
  logins->leave(tickets[1]);
  EXPECT_NE(enter(*logins, "alice"), 0U);
  EXPECT_EQ(enter(*logins, "alice"), 0U);
  logins->leave(tickets[1]);  // a second time means nothing
  EXPECT_EQ(enter(*logins, "alice"), 0U);
}

TEST_F(LoginTableTest, CountsUsersAndHostsEachForThemselves) {
  const auto logins = table(2, 3);
  EXPECT_NE(enter(*logins, "alice", "192.0.2.1"), 0U);
  EXPECT_NE(enter(*logins, "alice", "192.0.2.1"), 0U);
  EXPECT_EQ(enter(*logins, "alice", "192.0.2.2"), 0U);  // the user
  EXPECT_NE(enter(*logins, "bob", "192.0.2.1"), 0U);
  const auto refused = logins->enter("carol", "192.0.2.1");  // the host
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->ticket);
  EXPECT_EQ(refused->of_user, 0);
  EXPECT_EQ(refused->of_host, 3);
  EXPECT_NE(enter(*logins, "carol", "192.0.2.3"), 0U);
}

TEST_F(LoginTableTest, CountsTheSessionsOfAllProcesses) {
  const auto one = table(3);
  auto other = table(3);
  EXPECT_NE(enter(*one, "alice"), 0U);
  EXPECT_NE(enter(*other, "alice"), 0U);
  EXPECT_NE(enter(*other, "alice"), 0U);
  EXPECT_EQ(enter(*one, "alice"), 0U);
  other.reset();
  EXPECT_NE(enter(*one, "alice"), 0U);
  EXPECT_NE(enter(*one, "alice"), 0U);
  EXPECT_EQ(enter(*one, "alice"), 0U);
}

TEST_F(LoginTableTest, TheSessionsOfAKilledProcessCountNoMore) {
  const auto logins = table(4);
  EXPECT_NE(enter(*logins, "alice"), 0U);
  Child child([this] {
    auto* const its = table(4).release();
    for (int i = 0; i < 3; ++i) enter(*its, "alice");
  });
  EXPECT_EQ(counted(*logins, "alice").first, 4);
  child.kill();
  EXPECT_EQ(counted(*logins, "alice").first, 1);
  // Who gets its number does not get its sessions.
  const auto next = table(4);
  EXPECT_EQ(counted(*next, "alice").first, 1);
}

TEST_F(LoginTableTest, ProcessesThatRaceAdmitExactlyTheLimit) {
  constexpr int kProcesses = 6;
  const auto tally = directory_.path() / "tally";
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<Child>([this, &tally] {
      auto* const its = table(7).release();
      if (::fork() != 0) return;  // so that the constructor returns at once, and all of them work at the same time
      std::string got;
      for (int attempt = 0; attempt < 40; ++attempt) {
        const auto entrance = its->enter("alice", "127.0.0.1");
        if (entrance && entrance->ticket) got += 'x';
      }
      const int out = ::open(tally.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      got += '.';
      if (::write(out, got.data(), got.size()) < 0) std::abort();
      for (int waited = 0; waited < 2000; ++waited) {  // its sessions count until all have tried
        std::ifstream in(tally);
        const std::string all{std::istreambuf_iterator<char>(in), {}};
        if (std::ranges::count(all, '.') == kProcesses) break;
        ::usleep(5000);
      }
      ::_exit(0);
    }));
  }
  std::string all;
  for (int waited = 0; waited < 2000 && std::ranges::count(all, '.') < kProcesses; ++waited) {
    ::usleep(5000);
    std::ifstream in(tally);
    all.assign(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_EQ(std::ranges::count(all, '.'), kProcesses);
  EXPECT_EQ(std::ranges::count(all, 'x'), 7);
}

TEST_F(LoginTableTest, ADamagedFileIsMadeAnewAndEachProcessEntersAgain) {
  const auto damages = std::vector<std::function<void()>>{
      [this] { damage(0, 'x'); },                                    // the header's CRC covers this
      [this] { damage(20, 'x'); },                                   // its generation
      [this] { damage(kRecord + 15, 'x'); },                         // the first record
      [this] { damage(kRecord * 2 + 3, 'x'); },                      // the second one's holder
      [this] { fs::resize_file(file(), 0); },                        // all of it
      [this] { fs::resize_file(file(), 10); },                       //
      [this] { fs::resize_file(file(), kRecord + 10); },             // within a record
      [this] { std::ofstream(file()) << std::string(1000, 'x'); },   // a text
      [this] { fs::resize_file(file(), std::uintmax_t{1} << 40); },  // a file that claims to be huge
      [this] { fs::remove(file()); },                                // it is gone
      [this] { fs::rename(file(), file().native() + ".old"); },      // or away
      [this] { fs::remove_all(file().parent_path()); },              // with its directory
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    SCOPED_TRACE(i);
    const auto one = table(5);
    const auto other = table(5);
    EXPECT_NE(enter(*one, "alice"), 0U);
    EXPECT_NE(enter(*one, "alice"), 0U);
    EXPECT_NE(enter(*other, "alice"), 0U);
    damages[i]();
    other->refresh();
    one->refresh();
    other->refresh();
    EXPECT_EQ(counted(*one, "alice").first, 3);
    EXPECT_EQ(counted(*other, "alice").first, 3);
    EXPECT_LE(fs::file_size(file()), 5 * kRecord);  // counting takes one for a moment
  }
}

TEST_F(LoginTableTest, ShrinksWhenSessionsEnd) {
  const auto logins = table(10000);
  std::vector<std::uint64_t> tickets;
  for (int i = 0; i < 300; ++i) tickets.push_back(enter(*logins, "alice"));
  EXPECT_EQ(fs::file_size(file()), 301 * kRecord);
  for (const std::uint64_t ticket : tickets) logins->leave(ticket);
  EXPECT_EQ(counted(*logins, "alice").first, 0);
  EXPECT_LE(fs::file_size(file()), 2 * kRecord);
}

TEST_F(LoginTableTest, WhatIsNotItsFileStaysAsItIs) {
  fs::create_directory(file().parent_path());
  std::ofstream(directory_.path() / "precious") << "text";
  fs::create_symlink(directory_.path() / "precious", file());
  const auto logins = table(1);
  const auto link = logins->enter("alice", "127.0.0.1");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, Errc::permission);
  EXPECT_NE(link.error().text.find(file().native()), std::string::npos);
  EXPECT_EQ(fs::file_size(directory_.path() / "precious"), 4U);
  fs::remove(file());
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_FALSE(logins->enter("alice", "127.0.0.1"));
  fs::remove(file());
  fs::create_directory(file());
  EXPECT_FALSE(logins->enter("alice", "127.0.0.1"));
  fs::remove(file());
  EXPECT_NE(enter(*logins, "alice"), 0U);
}

TEST_F(LoginTableTest, AFullDiskIsAnErrorAndNoCrash) {
  const auto logins = std::make_unique<LoginTable>("/dev/full/logins", "", "pop3", LoginLimits{1, 0});
  EXPECT_FALSE(logins->enter("alice", "127.0.0.1"));
  logins->leave(7);
  logins->refresh();
}

TEST_F(LoginTableTest, WhoHoldsTheLockIsNotWaitedForLong) {
  const auto logins = table(3);
  const std::uint64_t first = enter(*logins, "alice");
  Child holder([this] {
    const int fd = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
    struct flock request = {};
    request.l_type = F_WRLCK;  // the whole file, byte and all
    request.l_whence = SEEK_SET;
    request.l_start = off_t{1} << 40;
    request.l_len = 1;
    if (::fcntl(fd, F_SETLK, &request) != 0) std::abort();
  });
  const auto began = std::chrono::steady_clock::now();
  const auto refused = logins->enter("alice", "127.0.0.1");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::busy);
  logins->leave(first);  // remembered
  holder.kill();
  EXPECT_EQ(counted(*logins, "alice").first, 0);
}

TEST_F(LoginTableTest, SessionsOfCyrusInProcCountWhereTheyAreOfThisService) {
  fs::create_directory(proc());
  const auto show = [this](pid_t pid, const std::string& line) { std::ofstream(proc() / std::to_string(pid)) << line; };
  const auto alive = ::getppid();
  show(alive, "pop3\tlocalhost [192.0.2.7]\talice\tuser.alice\tNoop\n");
  EXPECT_EQ(counted(*table(9, 9), "alice", "192.0.2.7"), (std::pair{1, 1}));
  EXPECT_EQ(counted(*table(9, 9), "bob", "192.0.2.7"), (std::pair{0, 1}));
  EXPECT_EQ(counted(*table(9, 9), "alice", "192.0.2.70"), (std::pair{1, 0}));
  for (const auto* other : {"imap\tlocalhost [192.0.2.7]\talice\tuser.alice\t\n",    // another service
                            "pop3\tlocalhost [192.0.2.7]\talice\t\tpass\n",          // has only said USER
                            "pop3\tlocalhost [192.0.2.7]\t\t\t\n", "", "pop3\n"}) {  // nobody yet
    show(alive, other);
    EXPECT_EQ(counted(*table(9, 9), "alice", "192.0.2.7"), (std::pair{0, 0})) << other;
  }
  show(alive, "");
  show(999999999, "pop3\t[192.0.2.7]\talice\tuser.alice\t\n");  // no process has such a number
  std::ofstream(proc() / "README") << "pop3\t[192.0.2.7]\talice\tuser.alice\t\n";
  EXPECT_EQ(counted(*table(9, 9), "alice", "192.0.2.7"), (std::pair{0, 0}));
}

TEST_F(LoginTableTest, AProcessOfOursInProcCountsOnce) {
  fs::create_directory(proc());
  Child child([this] {
    auto* const its = table(9).release();
    enter(*its, "alice");
    std::ofstream(proc() / std::to_string(::getpid())) << "pop3\t[127.0.0.1]\talice\tuser.alice\t\n";
  });
  EXPECT_EQ(counted(*table(9), "alice").first, 1);
}

TEST(ParseProcLine, TakesTheAddressOrTheWholeField) {
  ProcSession session;
  EXPECT_TRUE(parse_proc_line("pop3\thost [2001:db8::1]\tu\tuser.u\tStat\n", "pop3", session));
  EXPECT_EQ(session.host, "2001:db8::1");
  EXPECT_TRUE(parse_proc_line("pop3\t[unix socket]\tu\tuser.u\t\n", "pop3", session));
  EXPECT_EQ(session.host, "unix socket");
  EXPECT_TRUE(parse_proc_line("pop3\todd\tu\tuser.u\t\n", "pop3", session));
  EXPECT_EQ(session.host, "odd");
  for (const auto* line : {"", "pop3", "pop3\ta\tb", "pop3\ta\tb\tc", "pop\ta\tb\tc\t", "pop3x\ta\tb\tc\t"}) {
    EXPECT_FALSE(parse_proc_line(line, "pop3", session)) << line;
  }
}

// Whatever comes and goes, and whatever becomes of the file: the table counts what a list of names counts.
RC_GTEST_FIXTURE_PROP(LoginTableTest, CountsWhatAModelCounts, ()) {
  fs::remove_all(file().parent_path());
  std::vector<std::unique_ptr<LoginTable>> processes(3);
  std::vector<std::vector<std::pair<std::uint64_t, int>>> model(3);  // tickets and users, by process
  constexpr int kLimit = 4;
  const std::array<std::string, 3> users{"ann", "bob", "cyd"};
  for (const int step : *rc::gen::resize(40, rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000)))) {
    const auto who = static_cast<std::size_t>(step % 3);
    const int user = step / 3 % 3;
    if (!processes[who]) processes[who] = table(kLimit);
    switch (step / 9 % 8) {
      case 0:
        processes[who].reset();
        model[who].clear();
        break;
      case 1:
        if (fs::exists(file())) damage(static_cast<std::size_t>(step) % (fs::file_size(file()) + 1), '\7');
        for (const auto& process : processes) {
          if (process) process->refresh();
        }
        for (const auto& process : processes) {
          if (process) process->refresh();
        }
        break;
      case 2:
      case 3:
        if (!model[who].empty()) {
          processes[who]->leave(model[who].back().first);
          model[who].pop_back();
        }
        break;
      default: {
        int there = 0;
        for (const auto& sessions : model) {
          there += static_cast<int>(std::ranges::count(sessions, user, &std::pair<std::uint64_t, int>::second));
        }
        const auto entrance = processes[who]->enter(users.at(static_cast<std::size_t>(user)), "127.0.0.1");
        RC_ASSERT(entrance.has_value());
        RC_ASSERT(entrance->of_user == there);
        RC_ASSERT(entrance->ticket.has_value() == (there < kLimit));
        if (entrance->ticket) model[who].emplace_back(*entrance->ticket, user);
      }
    }
  }
}

}  // namespace
}  // namespace server
