#include "master/spawn.hpp"

#include "base/unique_fd.hpp"
#include "master/temp_folder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <vector>

namespace master {
namespace {

const base::Log kSilent([](base::Severity, std::string_view) {});

int wait_for(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

// Runs a shell command under the setup and returns what it wrote into the file "out".
std::string run_shell(const TempFolder& folder, const std::string& script, const ChildSetup& setup) {
  const Command command{"/bin/sh", {"sh", "-c", "exec >" + (folder / "out") + "; " + script}};
  const auto pid = spawn(command, setup, kSilent);
  EXPECT_TRUE(pid.has_value());
  EXPECT_EQ(wait_for(*pid), 0);
  return folder.read("out");
}

ChildSetup plain_setup() {
  ChildSetup setup;
  ::sigemptyset(&setup.signal_mask);
  return setup;
}

TEST(Spawn, TheEnvironmentIsOursAndTheAdditions) {
  const TempFolder folder;
  ChildSetup setup = plain_setup();
  setup.environment = {{"CYRUS_SERVICE", "pop3"}, {"CYRUS_ID", "1"}};
  EXPECT_EQ(run_shell(folder, "echo $CYRUS_SERVICE $CYRUS_ID ${PATH:+path}", setup), "pop3 1 path\n");
}

TEST(Spawn, StatusAndListenerArriveAsThreeAndFourWhateverTheirNumbersWere) {
  const TempFolder folder;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const base::UniqueFd read_end(ends[0]);
  const base::UniqueFd write_end(ends[1]);
  folder.write("listener", "I am four\n");
  const base::UniqueFd listener(::open((folder / "listener").c_str(), O_RDONLY | O_CLOEXEC));
  // Park each on the other's target, as far as these numbers are free to use in this test.
  const base::UniqueFd crossed(::fcntl(write_end.value(), F_DUPFD_CLOEXEC, 4));
  ChildSetup setup = plain_setup();
  setup.status_fd = crossed.value();
  setup.listen_fd = listener.value();
  EXPECT_EQ(run_shell(folder, "echo told >&3; cat <&4", setup), "I am four\n");
  std::array<char, 16> told{};
  EXPECT_EQ(::read(read_end.value(), told.data(), told.size()), 5);
  EXPECT_EQ(std::string(told.data()), "told\n");
}

TEST(Spawn, NothingElseIsOpen) {
  const TempFolder folder;
  const base::UniqueFd secret(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ChildSetup setup = plain_setup();
  setup.status_fd = secret.value();
  // The shell's own glob needs no descriptor of its own; 10 and above are dash's for the redirection.
  const std::string open =
      run_shell(folder, "for f in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && echo $f; done; true", setup);
  EXPECT_EQ(open, "3\n");
}

TEST(Spawn, SignalsAreAsAtTheStartOfMaster) {
  const TempFolder folder;
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const std::string signals = run_shell(folder, "grep -E '^Sig(Blk|Ign):' /proc/self/status", plain_setup());
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, old);
  EXPECT_EQ(signals, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Spawn, MaxfdsIsTheSoftLimit) {
  const TempFolder folder;
  ChildSetup setup = plain_setup();
  setup.max_fds = 77;
  EXPECT_EQ(run_shell(folder, "ulimit -S -n", setup), "77\n");
}

TEST(Spawn, TheChildLeadsItsOwnProcessGroupAndTheWholeGroupIsReached) {
  const TempFolder folder;
  const Command command{"/bin/sh", {"sh", "-c", "sleep 60 & sleep 60; true"}};
  const auto pid = spawn(command, plain_setup(), kSilent);
  ASSERT_TRUE(pid.has_value());
  EXPECT_EQ(::getpgid(*pid), *pid);
  signal_group(*pid, SIGKILL);
  const int status = wait_for(*pid);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(Spawn, AProgramThatCannotRunExitsWithOsErrAndSaysWhy) {
  const TempFolder folder;
  folder.write("bad", "no program");
  ASSERT_EQ(::chmod((folder / "bad").c_str(), 0755), 0);
  const std::string log_path = folder / "log";
  const base::Log log([&](base::Severity, std::string_view line) { folder.write("log", std::string(line)); });
  const auto pid = spawn(Command{folder / "bad", {"bad"}}, plain_setup(), log);
  ASSERT_TRUE(pid.has_value());
  const int status = wait_for(*pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), EX_OSERR);
  EXPECT_EQ(folder.read("log"), "couldn't exec " + (folder / "bad") + ": Exec format error");
}

TEST(FindCommand, AnAbsoluteProgramIsTakenAsItIs) {
  const auto command = find_command({"/bin/sh", "-x"}, {});
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->path, "/bin/sh");
  EXPECT_EQ(command->arguments, (std::vector<std::string>{"/bin/sh", "-x"}));
}

TEST(FindCommand, ANameIsLookedUpInTheFoldersInOrder) {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "a");
  std::filesystem::create_directories(folder.path() / "b");
  for (const char* name : {"a/no", "b/no", "b/yes"}) folder.write(name, "#!/bin/sh\n");
  ASSERT_EQ(::chmod((folder / "b/no").c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder / "b/yes").c_str(), 0755), 0);
  const std::vector<std::filesystem::path> folders{folder.path() / "a", folder.path() / "b"};
  EXPECT_EQ(find_command({"yes"}, folders)->path, folder / "b/yes");
  EXPECT_EQ(find_command({"no"}, folders)->path, folder / "b/no");
  EXPECT_EQ(find_command({"yes"}, folders)->arguments.front(), "yes");
}

TEST(FindCommand, AFolderAMissingFileAndNothingAtAllAreErrors) {
  EXPECT_FALSE(find_command({"/tmp"}, {}).has_value());
  EXPECT_FALSE(find_command({"/no/such/program"}, {}).has_value());
  EXPECT_FALSE(find_command({"sh"}, {"/no/such/folder"}).has_value());
  EXPECT_FALSE(find_command({}, {"/bin"}).has_value());
}

}  // namespace
}  // namespace master
