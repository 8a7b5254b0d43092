#pragma once

#include "base/unique_fd.hpp"
#include "master/temp_folder.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace master {

/// Waits until `holds` is true, for ten seconds at most. Returns its last answer.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit = std::chrono::seconds(10));

/// A TCP port of 127.0.0.1 that nobody uses at the moment.
int free_port();

/// A connection to 127.0.0.1.
class Client {
 public:
  explicit Client(int port);
  bool connected() const { return connected_; }
  /// One line without its end, or nullopt when none comes in time.
  std::optional<std::string> line(std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// The pid that the test service greets with; 0 when it does not.
  pid_t greeting(std::chrono::milliseconds limit = std::chrono::seconds(10));

 private:
  base::UniqueFd fd_;
  bool connected_ = false;
};

/// The real master in a folder of its own, as whoever runs the test; started by root it becomes nobody, as master must.
/// Killed with all its services when the object goes.
class MasterProcess {
 public:
  MasterProcess();
  MasterProcess(const MasterProcess&) = delete;
  MasterProcess& operator=(const MasterProcess&) = delete;
  ~MasterProcess();

  const TempFolder& folder() const { return folder_; }
  /// `cmd="..."` of the test service in this mode; its pids are collected in the file `pids`.
  std::string command(const std::string& mode, const std::string& pids = "pids") const;
  void configure(const std::string& cyrus_conf) const { folder_.write("cyrus.conf", cyrus_conf); }
  void add_option(const std::string& line) { imapd_conf_ += line + "\n"; }

  /// Starts it in the foreground with debug lines in log(). Does not wait.
  void start(const std::vector<std::string>& more_options = {});
  /// Starts it with exactly these options and waits for its end. Returns the exit status.
  int run(const std::vector<std::string>& options);
  void wait_until_ready() const;
  void signal(int number) const;
  /// The wait status, or nullopt when it is still there after the limit.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(10));

  std::string log() const { return folder_.read("log"); }
  bool logged(const std::string& words) const { return log().find(words) != std::string::npos; }
  /// Waits until the words are in the log.
  bool logs(const std::string& words) const {
    return eventually([&] { return logged(words); });
  }
  /// All processes that test services have noted in the file, in order, dead ones too.
  std::vector<pid_t> noted(const std::string& pids = "pids") const;

 private:
  void execute(const std::vector<std::string>& options);

  TempFolder folder_;
  std::string imapd_conf_;
  pid_t pid_ = -1;
};

/// Whether the process exists and is no zombie.
bool lives(pid_t pid);

}  // namespace master
