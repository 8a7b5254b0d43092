#include "faults/delivery_point.hpp"

#include "base/byte_order.hpp"
#include "base/log.hpp"
#include "cyrus/delivery.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/message_intake.hpp"
#include "cyrus/status_cache.hpp"
#include "faults/mailbox_look.hpp"
#include "support/store_checker.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace faults {
namespace {

namespace fs = std::filesystem;
using base::Errc;

constexpr unsigned kPatience = 60;  // seconds for one point, under sanitizers too
constexpr int kProblemExit = 70;
constexpr const char* kText =
    "From: Sender <sender@example.com>\r\nSubject: a fault\r\nMessage-ID: <fault@test.example>\r\n"
    "Date: Mon, 2 Nov 2026 23:30:00 -0800\r\n\r\nbody\r\n";

struct Problem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool condition, const std::string& problem) {
  if (!condition) throw Problem(problem);
}

/// What the child tells its parent, in shared memory.
struct Report {
  bool completed;
  bool untouched;
  bool has_logged;
  std::array<char, 2048> problem;
};

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> open_descriptors() {
  std::set<std::string> all;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const fs::path target = fs::read_symlink(entry.path(), error);
    // The descriptor of this very listing.
    if (error || target.native().find("/fd") != std::string::npos) continue;
    all.insert(entry.path().filename().native() + " " + target.native());
  }
  return all;
}

/// Takes the message in and delivers it, as lmtpd does.
base::Result<cyrus::Delivered> deliver(const Site& site, const base::Log& log) {
  auto intake = cyrus::MessageIntake::begin(site.config(), {});
  if (!intake) return tl::unexpected(intake.error());
  if (auto written = intake->write(kText); !written) return tl::unexpected(std::move(written.error()));
  const auto message = intake->finish();
  if (!message) return tl::unexpected(message.error());
  cyrus::DeliveryRequest request;
  request.user = site.maildrop().user;
  request.session_id = "session";
  return cyrus::Delivery(site.config(), log).deliver(*message, request);
}

MailboxLook look_now(const Site& site) {
  MailboxLook look = look_at(site.maildrop(), site.config());
  require(look.problem.empty(), "the mailbox: " + look.problem);
  return look;
}

std::vector<std::uint32_t> added(const MailboxLook& before, const MailboxLook& after) {
  std::vector<std::uint32_t> uids;
  for (const auto& [uid, message] : after.messages) {
    if (!before.messages.contains(uid)) uids.push_back(uid);
  }
  return uids;
}

/// What is tolerated: each only with the reason that makes it unavoidable.
struct Tolerance {
  bool stage_file = false;  // it could not be removed, or nobody was left to do it
  bool leftovers = false;   // the error says itself that something could not be taken back
};

/// Behind it an index, as contents() has it, may have what a crash left, which the next record overwrites.
std::size_t end_of_records(std::string_view content) {
  constexpr std::string_view kMark = "file ";
  const auto* const index = reinterpret_cast<const unsigned char*>(content.data()) + kMark.size();
  const std::span bytes(index, content.size() - kMark.size());
  return kMark.size() + base::load_be32(bytes, 12) +
         std::size_t{base::load_be32(bytes, 16)} * base::load_be32(bytes, 20);
}

/// What must be so whatever happened: `delivered` says whether the message is there.
void check_store(const Site& site, const MailboxLook& before, bool delivered, const Tolerance& tolerance,
                 bool& untouched) {
  const auto now = contents(site.root());
  untouched = now == site.pristine();
  const MailboxLook look = look_now(site);
  const auto uids = added(before, look);
  require(look.messages.size() == before.messages.size() + uids.size(), "a record is gone");
  if (!tolerance.leftovers) require(uids.size() == (delivered ? 1U : 0U), std::to_string(uids.size()) + " came in");
  const std::string cache = (fs::path(before.index_file).parent_path() / "cyrus.cache").native();
  std::set<std::string> mine;
  for (const std::uint32_t uid : uids) {
    mine.insert(look.messages.at(uid).file);
    require(look.messages.at(uid).flags == 0, "the new message has flags");
    require(content_of(look.messages.at(uid).file) == kText, "the new message is another");
  }
  const auto may_change = [&](const std::string& path) {
    for (const std::string_view part :
         {"/conf/quota/", "/conf/sync/", "/conf/statuscache.db", "/conf/domain/", "/conf/deliver.db"}) {
      if (path.find(part) != std::string::npos) return true;
    }
    if (tolerance.stage_file && path.find("/stage./pillarbox-") != std::string::npos) return true;
    if (tolerance.leftovers && fs::path(path).parent_path() == fs::path(cache).parent_path()) return true;
    return path == before.index_file || fs::path(path).filename() == "cyrus.cache" || mine.contains(path);
  };
  for (const auto& [path, content] : site.pristine()) {
    const auto found = now.find(path);
    require(found != now.end(), path + " is gone");
    if (!may_change(path)) require(found->second == content, path + " has changed");
    // What was there stays there, and of the index too if the message did not come in.
    const bool is_cache = fs::path(path).filename() == "cyrus.cache";
    const bool is_index = path == before.index_file && uids.empty();
    if (is_cache || is_index) {
      const std::string_view used =
          std::string_view(content).substr(0, is_index ? end_of_records(content) : content.size());
      require(found->second.starts_with(used), path + " has changed, not only grown");
    }
  }
  for (const auto& [path, content] : now) {
    require(site.pristine().contains(path) || may_change(path), path + " is new");
  }
}

void check_numbers(const Site& site) {
  const auto contradictions = support::check_store(site.config());
  if (!contradictions.empty()) throw Problem("contradiction: " + contradictions.front());
}

/// What was acknowledged must have been on disk when it was.
void check_synced(const Control& control, const MailboxLook& before, const MailboxLook& after) {
  std::vector<fs::path> files{after.index_file};
  for (const std::uint32_t uid : added(before, after)) files.emplace_back(after.messages.at(uid).file);
  for (const fs::path& file : files) {
    struct stat status = {};
    require(::stat(file.c_str(), &status) == 0, "no " + file.native());
    for (const Written& written : control.written) {
      if (written.inode != status.st_ino || written.device != status.st_dev) continue;
      require(written.unsynced == 0, "acknowledged with unsynced writes of " + file.native());
    }
  }
}

void check_caches(const Site& site) {
  const auto mailbox = cyrus::MailboxName::of_user(site.maildrop().user, site.maildrop().subfolder, site.config());
  const auto status = cyrus::read_status(site.config(), *mailbox);
  require(status && !*status, "statuscache.db still has the old counts");
  if (!site.config().sync_log) return;
  const std::string log = content_of(site.config().config_directory / "sync" / "log");
  require(log.find("APPEND " + mailbox->intname()) != std::string::npos, "the sync log does not name the mailbox");
}

/// The same once more, with nothing in its way. `at_most`: how often the message may be there then.
void check_again(const Site& site, const MailboxLook& before, std::size_t at_most) {
  const base::Log log([](base::Severity, std::string_view) {});
  const auto again = deliver(site, log);
  if (site.refuses_update()) {
    require(!again && again.error().code == Errc::unsupported, "again: was not refused");
    return;
  }
  require(again.has_value(), "again: " + (again ? std::string() : again.error().text));
  const auto uids = added(before, look_now(site));
  require(!uids.empty() && uids.size() <= at_most, "again: it is there " + std::to_string(uids.size()) + " times");
}

// -- the child --------------------------------------------------------------------------------------------------------

void attempt(const Site& site, const Fault& fault, Control& control, Report& report) {
  std::size_t errors = 0;
  const base::Log log([&](base::Severity severity, std::string_view) { errors += severity <= base::Severity::error; });
  const MailboxLook before = look_now(site);
  const auto descriptors = open_descriptors();
  control.armed = 1;
  auto delivered = deliver(site, log);
  control.armed = 0;
  report.completed = delivered.has_value();
  report.has_logged = errors > 0;
  Tolerance tolerance;
  // The stage file goes after the answer; one that stays is removed at the next start.
  tolerance.stage_file = fault.kind == Kind::unlink;
  if (delivered) {
    require(!site.refuses_update(), "a mailbox with conversations was changed");
    check_synced(control, before, look_now(site));
    if (!report.has_logged) check_caches(site);
  } else if (site.refuses_update() && delivered.error().code == Errc::unsupported) {
  } else {
    require(delivered.error().code == Errc::io,
            "error " + std::string(base::name(delivered.error().code)) + ": " + delivered.error().text);
    tolerance.leftovers = delivered.error().text.find("run ") != std::string::npos;
  }
  check_store(site, before, delivered.has_value(), tolerance, report.untouched);
  if (!tolerance.leftovers) check_numbers(site);
  if (site.refuses_update()) require(report.untouched || tolerance.stage_file, "the store has changed");
  // Without its mark in deliver.db, or where duplicates are welcome, it comes twice.
  check_again(site, before, tolerance.leftovers ? 3 : 2);
  if (!tolerance.leftovers) check_numbers(site);
  require(open_descriptors() == descriptors, "a descriptor is left open");
}

/// In a new process, after the one that had the site was killed, and its children have ended. `is_apart`: it was killed
/// while one of them was at work.
void look_after_kill(const Site& site, const MailboxLook& before, const Control& control, bool is_apart,
                     Report& report) {
  const MailboxLook look = look_now(site);
  report.completed = !added(before, look).empty();
  require(report.completed || !is_apart, "the child did not carry it to the end");
  Tolerance tolerance;
  tolerance.stage_file = true;
  check_store(site, before, report.completed, tolerance, report.untouched);
  check_numbers(site);
  if (is_apart) {
    check_synced(control, before, look);
    check_caches(site);
  }
  cyrus::remove_stale_stage_files(site.config());
  check_again(site, before, 2);
  check_numbers(site);
  for (const auto& [name, root] : site.config().partitions) {
    if (!fs::exists(root / "stage.")) continue;
    for (const auto& entry : fs::directory_iterator(root / "stage.")) {
      require(!entry.path().filename().native().starts_with("pillarbox-"), "a stage file is left");
    }
  }
}

void await_orphans() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

template <class Work>
int in_child(Report& report, const Work& work) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    ::alarm(kPatience);
    int code = 0;
    try {
      work();
    } catch (const std::exception& problem) {
      std::strncpy(report.problem.data(), problem.what(), report.problem.size() - 1);
      code = kProblemExit;
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

class SharedReport {
 public:
  SharedReport() : memory_(::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("mmap");
  }
  SharedReport(const SharedReport&) = delete;
  SharedReport& operator=(const SharedReport&) = delete;
  ~SharedReport() { ::munmap(memory_, sizeof(Report)); }

  Report& operator*() const { return *static_cast<Report*>(memory_); }

 private:
  void* memory_;
};

void plan(Control& control, const Site& site, const Fault& fault, std::uint64_t nth) {
  control.armed = 0;
  control.kind = fault.kind;
  control.action = fault.action;
  control.errnum = fault.errnum;
  control.nth = nth;
  control.fired = 0;
  for (auto& count : control.seen) count = 0;
  control.where.fill('\0');
  control.fired_apart = false;
  control.written.fill(Written{});
  control.root.fill('\0');
  const std::string root = site.root().native();
  if (root.size() >= control.root.size()) throw std::runtime_error("path too long: " + root);
  std::ranges::copy(root, control.root.begin());
}

std::string died(int status) {
  if (WIFSIGNALED(status)) return "died of signal " + std::to_string(WTERMSIG(status));
  return "ended with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Outcome run_delivery_point(const Site& site, const Fault& fault, std::uint64_t nth, Control& control) {
  site.restore();
  plan(control, site, fault, nth);
  SharedReport shared;
  Report& report = *shared;
  const MailboxLook before = look_now(site);

  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw std::runtime_error("prctl");
  const int status = in_child(report, [&] {
    control.process = ::getpid();
    attempt(site, fault, control, report);
  });
  await_orphans();
  control.armed = 0;
  Outcome outcome;
  outcome.fired = control.fired > 0;
  outcome.where = control.where.data();
  outcome.fired_apart = control.fired_apart;
  const bool is_kill = fault.action == Action::kill || fault.action == Action::kill_parent;
  if (is_kill && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    outcome.killed = true;
    const bool is_apart = outcome.fired_apart;
    const int after = in_child(report, [&] { look_after_kill(site, before, control, is_apart, report); });
    if (after != 0) outcome.problem = died(after);
  } else if (status != 0) {
    outcome.problem = died(status);
  }
  if (report.problem[0] != '\0') outcome.problem = report.problem.data();
  outcome.completed = report.completed;
  outcome.untouched = report.untouched;
  return outcome;
}

}  // namespace faults
