#include "master/exit_report.hpp"

#include <array>
#include <cstdio>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

namespace master {

Remark exit_line(const Ended& ended, int wait_status) {
  std::array<char, 32> age{};
  std::snprintf(age.data(), age.size(), "%.3fs", std::chrono::duration<double>(ended.age).count());

  std::string text = "process type:" + std::string(ended.type) + " name:" + std::string(ended.name) +
                     " path:" + std::string(ended.path) + " age:" + age.data() + " pid:" + std::to_string(ended.pid);
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* const words = ::sigdescr_np(signal);
    text += " signaled to death by signal " + std::to_string(signal) + " (" + (words != nullptr ? words : "?") + ")";
    if (WCOREDUMP(wait_status)) text += ", core dumped";
    return {base::Severity::error, std::move(text)};
  }
  const int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  if (status == 0) return {base::Severity::debug, text + " exited normally"};
  if (status == EX_TEMPFAIL) return {base::Severity::debug, text + " was killed"};
  return {base::Severity::error, text + " exited, status " + std::to_string(status)};
}

}  // namespace master
