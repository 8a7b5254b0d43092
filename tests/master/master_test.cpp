// The whole program with real services, sockets and signals.

#include "master/master_process.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <set>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace master {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string services(const std::string& lines) { return "SERVICES {\n" + lines + "}\n"; }

std::string entry(const std::string& name, int port, const std::string& rest) {
  return name + " listen=\"127.0.0.1:" + std::to_string(port) + "\" " + rest + "\n";
}

bool all_gone(const std::vector<pid_t>& pids) {
  return std::none_of(pids.begin(), pids.end(), [](pid_t pid) { return lives(pid); });
}

long living(const std::vector<pid_t>& pids) { return std::count_if(pids.begin(), pids.end(), lives); }

TEST(Master, StartsAWorkerWhenTheFirstClientComes) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, master.command("serve"))));
  master.start();
  master.wait_until_ready();
  EXPECT_TRUE(master.noted().empty());
  EXPECT_GT(Client(port).greeting(), 0) << master.log();
  EXPECT_EQ(master.noted().size(), 1U);
}

TEST(Master, WorkersAreNeverRoot) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, master.command("serve"))));
  master.start();
  master.wait_until_ready();
  const auto greeting = Client(port).line();
  ASSERT_TRUE(greeting.has_value());
  EXPECT_NE(greeting->substr(greeting->find(' ')), " 0");
}

TEST(Master, PreforkKeepsThatManyReady) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, "prefork=3 " + master.command("serve"))));
  master.start();
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 3; })) << master.log();
  Client client(port);
  EXPECT_GT(client.greeting(), 0);
  EXPECT_TRUE(eventually([&] { return master.noted().size() == 4; }));
}

TEST(Master, MaxchildLeavesTheNextClientInTheBacklog) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, "maxchild=1 prefork=1 " + master.command("serve"))));
  master.start();
  master.wait_until_ready();
  auto first = std::make_unique<Client>(port);
  ASSERT_GT(first->greeting(), 0);
  Client second(port);
  EXPECT_TRUE(second.connected());
  EXPECT_EQ(second.greeting(milliseconds(400)), 0);
  first.reset();
  EXPECT_GT(second.greeting(), 0);
  EXPECT_EQ(master.noted().size(), 1U);
}

TEST(Master, AReadyWorkerWithManyConnectionsIsNotJoinedByAnother) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, master.command("multi"))));
  master.start();
  master.wait_until_ready();
  std::set<pid_t> seen;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(port));
    seen.insert(clients.back()->greeting());
  }
  EXPECT_EQ(seen.size(), 1U);
}

TEST(Master, ACrashingServiceKeepsItsPortBacksOffAndComesBackByItself) {
  MasterProcess master;
  const int port = free_port();
  master.folder().write("mode", "crash");
  master.configure(services(entry("pop3", port, "prefork=1 " + master.command("@" + (master.folder() / "mode")))));
  master.start();
  ASSERT_TRUE(master.logs("in READY state: terminated abnormally")) << master.log();
  ASSERT_TRUE(master.logs("signaled to death by signal 11 (Segmentation fault)"));
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 2; }));
  Client client(port);
  EXPECT_TRUE(client.connected());
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_EQ(master.noted().size(), 2U) << "no fork storm";
  master.folder().write("mode", "serve");
  EXPECT_GT(client.greeting(), 0) << master.log();
}

TEST(Master, AProgramThatJustEndsIsNotStartedInAStorm) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, "prefork=1 cmd=\"/bin/true\"")));
  master.start();
  ASSERT_TRUE(master.logs("ended at once without serving anybody")) << master.log();
  std::this_thread::sleep_for(milliseconds(500));
  const std::string log = master.log();
  std::size_t ends = 0;
  for (auto at = log.find("exited normally"); at != std::string::npos; at = log.find("exited normally", at + 1)) ++ends;
  EXPECT_EQ(ends, 1U);
}

TEST(Master, ABrokenFileAtReloadIsRefusedAndTheOldOneStays) {
  MasterProcess master;
  const int port = free_port();
  const std::string good = services(entry("pop3", port, "maxchild=1 prefork=1 " + master.command("serve")));
  master.configure(good);
  master.start();
  master.wait_until_ready();
  const pid_t before = Client(port).greeting();
  ASSERT_GT(before, 0);

  for (const std::string& broken :
       {std::string("SERVICES {\n  pop3 listen = x\n"), services(entry("pop3", port, "cmd=\"/no/such/program\"")),
        services(entry("pop3", port, "")), good + good}) {
    const std::string log_before = master.log();
    master.configure(broken);
    master.signal(SIGHUP);
    ASSERT_TRUE(eventually([&] {
      return master.log().find("new configuration refused, the old one stays", log_before.size()) != std::string::npos;
    })) << broken
        << master.log();
    EXPECT_EQ(Client(port).greeting(), before) << broken;
  }
}

TEST(Master, ReloadAddsRemovesAndHangsUp) {
  MasterProcess master;
  const int kept = free_port();
  const int removed = free_port();
  const int added = free_port();
  master.configure(services(entry("kept", kept, "prefork=1 " + master.command("serve", "pids-kept")) +
                            entry("removed", removed, "prefork=1 " + master.command("serve", "pids-removed"))));
  master.start();
  master.wait_until_ready();
  const pid_t old_worker = Client(kept).greeting();
  ASSERT_GT(old_worker, 0);
  ASSERT_GT(Client(removed).greeting(), 0);

  master.configure(services(entry("kept", kept, "prefork=2 " + master.command("serve", "pids-kept")) +
                            entry("added", added, master.command("serve", "pids-added"))));
  master.signal(SIGHUP);
  ASSERT_TRUE(master.logs("Services reconfigured: 1 kept, 1 removed, 1 added, 0 not bound")) << master.log();
  EXPECT_GT(Client(added).greeting(), 0);
  EXPECT_FALSE(Client(removed).connected());
  EXPECT_TRUE(eventually([&] { return all_gone(master.noted("pids-removed")); }));
  EXPECT_TRUE(eventually([&] { return !lives(old_worker) && living(master.noted("pids-kept")) == 2; }));
  EXPECT_GT(Client(kept).greeting(), 0);
  EXPECT_FALSE(master.logged("terminated abnormally"));
}

TEST(Master, ReloadCanGiveAPortToAnotherService) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("old", port, "prefork=1 " + master.command("serve", "pids-old"))));
  master.start();
  master.wait_until_ready();
  ASSERT_GT(Client(port).greeting(), 0);
  master.configure(services(entry("new", port, master.command("serve", "pids-new"))));
  master.signal(SIGHUP);
  ASSERT_TRUE(master.logs("0 kept, 1 removed, 1 added, 0 not bound")) << master.log();
  EXPECT_GT(Client(port).greeting(), 0);
  EXPECT_EQ(master.noted("pids-new").size(), 1U);
}

TEST(Master, SigtermEndsEveryChildAndExitsZero) {
  MasterProcess master;
  const int one = free_port();
  const int two = free_port();
  master.configure(services(entry("pop3", one, "prefork=2 " + master.command("serve")) +
                            entry("lmtp", two, "prefork=2 " + master.command("hang"))));
  master.start();
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 4; }));
  Client client(one);
  ASSERT_GT(client.greeting(), 0);
  master.signal(SIGTERM);
  EXPECT_EQ(master.wait(), 0);
  EXPECT_TRUE(all_gone(master.noted()));
  EXPECT_TRUE(master.logged("attempting clean shutdown on signal"));
  EXPECT_TRUE(master.logged("All children have exited, closing down"));
  EXPECT_FALSE(master.logged("terminated abnormally"));
  EXPECT_FALSE(Client(one).connected());
}

TEST(Master, AChildThatIgnoresSigtermIsKilledAfterTheLimit) {
  MasterProcess master;
  master.configure(services(entry("pop3", free_port(), "prefork=2 " + master.command("ignore-term"))));
  master.start({"-t", "1"});
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 2; }));
  const auto began = std::chrono::steady_clock::now();
  master.signal(SIGINT);
  EXPECT_EQ(master.wait(), 0);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, milliseconds(900));
  EXPECT_LT(took, seconds(5));
  EXPECT_TRUE(all_gone(master.noted()));
  EXPECT_TRUE(master.logged("2 processes are left after 1 s, killing them"));
}

TEST(Master, KillingMasterItselfLeavesNoChildBehind) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, "prefork=2 " + master.command("serve")) +
                            entry("lmtp", free_port(), "prefork=1 " + master.command("hang"))) +
                   "DAEMON {\n idled " + master.command("daemon") + "\n}\n");
  master.start();
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 4; }));
  Client client(port);
  ASSERT_GT(client.greeting(), 0);
  master.signal(SIGKILL);
  ASSERT_TRUE(master.wait().has_value());
  EXPECT_TRUE(eventually([&] { return all_gone(master.noted()); }));
  EXPECT_TRUE(eventually([&] { return !Client(port).connected(); }));
}

class BusyPort : public ::testing::Test {
 protected:
  void SetUp() override {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(socket_.value(), reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(socket_.value(), 1), 0);
    ASSERT_EQ(::getsockname(socket_.value(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
  }
  std::string complaint() const {
    return "service pop3: cannot bind 127.0.0.1:" + std::to_string(port_) + ": Address already in use";
  }

  base::UniqueFd socket_;
  int port_ = 0;
};

TEST_F(BusyPort, IsOneClearLineAndTheEndWhenNothingElseIsBound) {
  MasterProcess master;
  master.configure(services(entry("pop3", port_, master.command("serve"))));
  master.start();
  const auto status = master.wait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 71);
  EXPECT_TRUE(master.logged(complaint())) << master.log();
}

TEST_F(BusyPort, DoesNotStopTheOtherServices) {
  MasterProcess master;
  const int port = free_port();
  master.configure(
      services(entry("pop3", port_, master.command("serve")) + entry("imap", port, master.command("serve"))));
  master.start();
  master.wait_until_ready();
  EXPECT_TRUE(master.logged(complaint()));
  EXPECT_GT(Client(port).greeting(), 0);
}

TEST_F(BusyPort, IsBoundAtReloadOnceItIsFree) {
  MasterProcess master;
  master.configure(
      services(entry("pop3", port_, master.command("serve")) + entry("imap", free_port(), master.command("serve"))));
  master.start();
  master.wait_until_ready();
  socket_.reset();
  master.signal(SIGHUP);
  ASSERT_TRUE(master.logs("1 kept, 0 removed, 1 added, 0 not bound")) << master.log();
  EXPECT_GT(Client(port_).greeting(), 0);
}

TEST_F(BusyPort, IsFatalWhenTheOptionSaysSo) {
  MasterProcess master;
  master.add_option("master_bind_errors_fatal: yes");
  master.configure(
      services(entry("pop3", port_, master.command("serve")) + entry("imap", free_port(), master.command("serve"))));
  master.start();
  const auto status = master.wait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 71);
}

TEST_F(BusyPort, IsToldOnTheTerminalToo) {
  MasterProcess master;
  master.configure(services(entry("pop3", port_, master.command("serve"))));
  EXPECT_EQ(master.run({"-C", master.folder() / "imapd.conf", "-M", master.folder() / "cyrus.conf"}), 71);
  EXPECT_TRUE(master.logged("master: " + complaint())) << master.log();
}

TEST(Master, StartCommandsRunInOrderBeforeTheServices) {
  MasterProcess master;
  const int port = free_port();
  master.folder().write("one.sh", "sleep 0.3; echo one >> " + (master.folder() / "order") + "\n");
  master.folder().write("two.sh", "echo two >> " + (master.folder() / "order") + "\n");
  master.configure("START {\n one cmd=\"/bin/sh " + (master.folder() / "one.sh") + "\"\n two cmd=\"/bin/sh " +
                   (master.folder() / "two.sh") + "\"\n}\n" + services(entry("pop3", port, master.command("serve"))));
  master.start();
  master.wait_until_ready();
  EXPECT_EQ(master.folder().read("order"), "one\ntwo\n");
}

TEST(Master, AStartCommandThatFailsEndsMaster) {
  MasterProcess master;
  master.configure("START {\n s cmd=\"/bin/false\"\n}\n" +
                   services(entry("pop3", free_port(), master.command("serve"))));
  master.start();
  const auto status = master.wait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_TRUE(master.logged("process type:START name:s path:/bin/false"));
  EXPECT_TRUE(master.logged("exited, status 1"));
  EXPECT_TRUE(master.logged("can't run startup"));
}

TEST(Master, AStartCommandCanBeInterrupted) {
  MasterProcess master;
  master.configure("START {\n s cmd=\"/bin/sleep 60\"\n}\n");
  master.start();
  ASSERT_TRUE(master.logs("process started"));
  std::this_thread::sleep_for(milliseconds(200));
  master.signal(SIGTERM);
  EXPECT_EQ(master.wait(), 0);
}

TEST(Master, ADaemonIsStartedAgainWhenItEnds) {
  MasterProcess master;
  master.configure("DAEMON {\n idled " + master.command("daemon") + "\n}\n");
  master.start();
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 1; })) << master.log();
  std::this_thread::sleep_for(milliseconds(1100));
  ASSERT_EQ(::kill(master.noted().front(), SIGTERM), 0);
  ASSERT_TRUE(eventually([&] { return master.noted().size() == 2; })) << master.log();
  EXPECT_TRUE(lives(master.noted().back()));
  EXPECT_TRUE(master.logged("process type:DAEMON name:idled"));
}

TEST(Master, EventsAndWaitAreCalledOutAndNotPassedOverInSilence) {
  MasterProcess master;
  master.configure(
      "EVENTS {\n checkpoint cmd=\"/bin/true\" period=30\n expire cmd=\"/bin/true\" at=0400\n}\n"
      "DAEMON {\n d wait=y " +
      master.command("daemon") + "\n}\n");
  master.start();
  master.wait_until_ready();
  EXPECT_TRUE(master.logged("EVENTS are not run by this master, use cron or a timer for them: checkpoint, expire"));
  EXPECT_TRUE(master.logged("wait=y has no effect, these are started without waiting: d"));
}

TEST(Master, ASecondOneIsRefused) {
  MasterProcess master;
  master.start();
  master.wait_until_ready();
  MasterProcess second;
  EXPECT_EQ(second.run({"-D", "-C", master.folder() / "imapd.conf", "-M", master.folder() / "cyrus.conf"}), 71);
  EXPECT_TRUE(second.logged("is another master still running?")) << second.log();
}

TEST(Master, InTheBackgroundItReturnsWhenReadyAndLeavesItsTraces) {
  MasterProcess master;
  const int port = free_port();
  master.configure(services(entry("pop3", port, master.command("serve"))));
  master.start();  // also shows that what one run leaves does not disturb the next
  master.wait_until_ready();
  master.signal(SIGTERM);
  ASSERT_EQ(master.wait(), 0);

  ASSERT_EQ(master.run({"-d", "-C", master.folder() / "imapd.conf", "-M", master.folder() / "cyrus.conf"}), 0)
      << master.log();
  const pid_t pid = std::atoi(master.folder().read("conf/master.pid").c_str());
  ASSERT_GT(pid, 1);
  EXPECT_EQ(::getsid(pid), pid);
  EXPECT_TRUE(std::filesystem::exists(master.folder() / "conf/master.ready"));
  EXPECT_GT(Client(port).greeting(), 0);
  ASSERT_EQ(::kill(pid, SIGTERM), 0);
  EXPECT_TRUE(eventually([&] { return !lives(pid); }));
  EXPECT_FALSE(std::filesystem::exists(master.folder() / "conf/master.ready"));
  EXPECT_EQ(master.folder().read("conf/master.pid"), "");
  EXPECT_TRUE(all_gone(master.noted()));
}

TEST(Master, InTheBackgroundAFailureIsTheExitStatusOfTheFirstProcess) {
  MasterProcess master;
  master.configure("SERVICES {\n pop3 listen = x\n");
  EXPECT_EQ(master.run({"-d", "-C", master.folder() / "imapd.conf", "-M", master.folder() / "cyrus.conf"}), 78);
}

TEST(Master, UnknownOptionsAndVersionAreAnsweredAtOnce) {
  MasterProcess master;
  EXPECT_EQ(master.run({"-e"}), 64);
  EXPECT_TRUE(master.logged("usage: master"));
  EXPECT_EQ(master.run({"-V"}), 0);
  EXPECT_TRUE(master.logged("pillarbox master "));
  EXPECT_EQ(master.run({"-j", "0"}), 78);
}

TEST(Master, AMissingConfigurationFileIsAConfigurationError) {
  MasterProcess master;
  EXPECT_EQ(master.run({"-D", "-C", "/no/such/file"}), 78);
}

}  // namespace
}  // namespace master
