#include "master/master_process.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace master {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

bool eventually(const std::function<bool()>& holds, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!holds()) {
    if (steady_clock::now() > deadline) return holds();
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

int free_port() {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(fd.value(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::getsockname(fd.value(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  return ntohs(address.sin_port);
}

Client::Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = loopback(port);
  connected_ = ::connect(fd_.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::optional<std::string> Client::line(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  std::string text;
  for (;;) {
    struct pollfd readable = {fd_.value(), POLLIN, 0};
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) != 1) return std::nullopt;
    char c = 0;
    if (::read(fd_.value(), &c, 1) != 1) return std::nullopt;
    if (c == '\n') return text;
    text += c;
  }
}

pid_t Client::greeting(milliseconds limit) {
  const auto text = line(limit);
  return text ? std::atoi(text->c_str()) : 0;
}

bool lives(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(status, text);
  const auto after_name = text.rfind(") ");
  return after_name != std::string::npos && text.at(after_name + 2) != 'Z';
}

MasterProcess::MasterProcess() {
  std::filesystem::create_directories(folder_ / "conf/socket");
  imapd_conf_ = "configdirectory: " + (folder_ / "conf") + "\npartition-default: " + (folder_ / "spool") + "\n";
  folder_.write("cyrus.conf", "SERVICES {\n}\n");
  if (::geteuid() != 0) return;
  const struct passwd* const nobody = ::getpwnam("nobody");
  if (nobody == nullptr) {
    ADD_FAILURE() << "no user nobody";
    return;
  }
  for (const char* name : {".", "conf", "conf/socket"}) {
    EXPECT_EQ(::chown((folder_ / name).c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  }
}

MasterProcess::~MasterProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("pids")) continue;
    for (const pid_t pid : noted(name)) {
      if (lives(pid)) ::kill(pid, SIGKILL);
    }
  }
}

std::string MasterProcess::command(const std::string& mode, const std::string& pids) const {
  return "cmd=\"" TEST_SERVICE " " + mode + " " + (folder_ / pids) + "\"";
}

void MasterProcess::execute(const std::vector<std::string>& options) {
  folder_.write("imapd.conf", imapd_conf_);
  pid_ = ::fork();
  ASSERT_GE(pid_, 0);
  if (pid_ != 0) return;
  const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::setpgid(0, 0);
  if (::geteuid() == 0) {
    ::setenv("CYRUS_USER", "nobody", 1);
    // The leak check traces the process, which the kernel forbids after a change of user.
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
  }
  std::vector<char*> arguments{const_cast<char*>("master")};
  for (const std::string& option : options) arguments.push_back(const_cast<char*>(option.c_str()));
  arguments.push_back(nullptr);
  ::execv(MASTER_PROGRAM, arguments.data());
  ::_exit(127);
}

void MasterProcess::start(const std::vector<std::string>& more_options) {
  std::vector<std::string> options{"-D", "-v", "-C", folder_ / "imapd.conf", "-M", folder_ / "cyrus.conf"};
  options.insert(options.end(), more_options.begin(), more_options.end());
  execute(options);
}

int MasterProcess::run(const std::vector<std::string>& options) {
  execute(options);
  const auto status = wait();
  return status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
}

void MasterProcess::wait_until_ready() const { ASSERT_TRUE(logs("ready for work")) << log(); }

void MasterProcess::signal(int number) const { ASSERT_EQ(::kill(pid_, number), 0); }

std::optional<int> MasterProcess::wait(milliseconds limit) {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, limit)) return std::nullopt;
  pid_ = -1;
  return status;
}

std::vector<pid_t> MasterProcess::noted(const std::string& pids) const {
  std::vector<pid_t> found;
  std::istringstream lines(folder_.read(pids));
  pid_t pid = 0;
  while (lines >> pid) found.push_back(pid);
  return found;
}

}  // namespace master
