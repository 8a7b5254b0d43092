#include "faults/fault_point.hpp"

#include "base/log.hpp"
#include "cyrus/index_record.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/status_cache.hpp"
#include "cyrus/store.hpp"
#include "faults/mailbox_look.hpp"
#include "pop3/reply.hpp"
#include "support/store_checker.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
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
using maildrop::Access;
using maildrop::Maildrop;
using maildrop::MessageNumber;

constexpr unsigned kPatience = 60;  // seconds for one point, under sanitizers too
constexpr int kProblemExit = 70;

/// Thrown by what a child finds; caught at its end.
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
  bool lost_control;  // the operation said itself that it could not put bytes back
  std::array<char, 2048> problem;
};

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

// -- what a session sees and does ------------------------------------------------------------------------------------

using Listing = std::vector<std::pair<std::uint64_t, std::string>>;

Listing listing_of(const Maildrop& drop) {
  Listing rows;
  for (std::uint32_t n = 1; n <= drop.count(); ++n) {
    std::string unique_id;
    drop.append_unique_id(MessageNumber{n}, unique_id);
    rows.emplace_back(value(drop.octets(MessageNumber{n})), unique_id);
  }
  return rows;
}

/// RETR as a session does it: from the page cache if that works, else in the pool.
base::Result<std::string> retrieve(Maildrop& drop, std::uint32_t number) {
  auto message = drop.open(MessageNumber{number}, Access::cached_only);
  if (!message && message.error().code == Errc::would_block) {
    message = drop.open(MessageNumber{number}, Access::may_block);
  }
  if (!message) return tl::unexpected(message.error());
  std::string text((*message)->size(), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const std::span piece = std::span(text).subspan(done);
    auto got = (*message)->read(piece, done, Access::cached_only);
    if (!got && got.error().code == Errc::would_block) got = (*message)->read(piece, done, Access::may_block);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return base::fail(Errc::corrupt, "message ends early");
    done += *got;
  }
  return text;
}

/// Deleted are all messages but every third, retrieved are those that stay.
bool is_to_delete(std::uint32_t number) { return number % 3 != 2; }

void mark(Maildrop& drop) {
  for (std::uint32_t n = 1; n <= drop.count(); ++n) {
    if (is_to_delete(n)) {
      drop.mark_deleted(MessageNumber{n});
    } else {
      drop.mark_retrieved(MessageNumber{n});
    }
  }
}

// -- how a store was, and may become ---------------------------------------------------------------------------------

/// The site before anything went wrong.
struct Before {
  Listing listing;
  std::vector<std::string> messages;  // as the files hold them, in the order of the listing
  MailboxLook look;
  std::set<std::uint32_t> deleted;  // uids that UPDATE is asked to remove
  std::set<std::uint32_t> retrieved;
};

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Before look_before(const Site& site, const base::Log& log) {
  Before before;
  before.look = look_at(site.maildrop(), site.config());
  require(before.look.problem.empty(), "the site itself: " + before.look.problem);
  cyrus::Store store(site.config(), log);
  const auto drop = store.open_maildrop(site.maildrop());
  require(drop.has_value(), "the site itself: " + (drop ? std::string() : drop.error().text));
  before.listing = listing_of(**drop);
  require(!before.listing.empty(), "the site itself: nothing is listed");
  // The listing names no uids. Ascending, it is what is neither expunged nor hidden, and what follows finds out by
  // content: every listed size and unique-id belongs to one uid.
  std::uint32_t n = 0;
  for (const auto& [octets, unique_id] : before.listing) {
    ++n;
    std::uint32_t uid = 0;
    for (const auto& [candidate, message] : before.look.messages) {
      const bool ends_so =
          unique_id == std::to_string(candidate) || unique_id.ends_with("." + std::to_string(candidate));
      const bool begins_so = unique_id.starts_with(std::to_string(candidate) + "-");
      std::array<char, 9> hex{};
      std::snprintf(hex.data(), hex.size(), "%08x", candidate);
      const bool is_hex = unique_id.size() == 16 && unique_id.starts_with(hex.data());
      if (ends_so || begins_so || is_hex) uid = candidate;
    }
    require(uid != 0, "the site itself: no message for unique-id " + unique_id);
    (is_to_delete(n) ? before.deleted : before.retrieved).insert(uid);
    before.messages.push_back(content_of(before.look.messages.at(uid).file));
  }
  return before;
}

/// Whether `path` is a file that UPDATE may write, seen from the top of the store.
bool may_change(const std::string& path, const MailboxLook& look) {
  if (path == look.index_file) return true;
  for (const std::string_view part : {"/conf/quota/", "/conf/sync/", "/conf/statuscache.db", "/conf/domain/"}) {
    if (path.find(part) != std::string::npos) return true;
  }
  return false;
}

/// What must be so whatever happened. `untouched` says whether every byte is as at first.
void check_store(const Site& site, const Before& before, bool& untouched) {
  const auto now = contents(site.root());
  untouched = now == site.pristine();
  for (const auto& [path, content] : site.pristine()) {
    if (may_change(path, before.look)) continue;
    const auto found = now.find(path);
    require(found != now.end(), path + " is gone");
    require(found->second == content, path + " has changed");
  }
  for (const auto& [path, content] : now) {
    require(site.pristine().contains(path) || may_change(path, before.look), path + " is new");
  }
  const MailboxLook look = look_at(site.maildrop(), site.config());
  require(look.problem.empty(), "the mailbox afterwards: " + look.problem);
  require(look.messages.size() == before.look.messages.size(), "the number of records has changed");
  for (const auto& [uid, message] : before.look.messages) {
    const auto found = look.messages.find(uid);
    require(found != look.messages.end(), "UID " + std::to_string(uid) + " is gone");
    if (before.deleted.contains(uid)) continue;
    std::uint32_t allowed = message.flags;
    if (site.config().pop_use_imap_flags && before.retrieved.contains(uid)) allowed |= cyrus::flag_bit::kSeen;
    require(found->second.flags == message.flags || found->second.flags == allowed,
            "flags of UID " + std::to_string(uid) + " have changed");
  }
}

std::size_t expunged_of(const Before& before, const MailboxLook& look) {
  return static_cast<std::size_t>(std::ranges::count_if(before.deleted, [&](std::uint32_t uid) {
    return (look.messages.at(uid).flags & cyrus::flag_bit::kExpunged) != 0;
  }));
}

void check_all_done(const Site& site, const Before& before) {
  const MailboxLook look = look_at(site.maildrop(), site.config());
  require(look.problem.empty(), "the mailbox afterwards: " + look.problem);
  require(expunged_of(before, look) == before.deleted.size(), "acknowledged, but not all deletions are in the index");
  if (!site.config().pop_use_imap_flags) return;
  for (const std::uint32_t uid : before.retrieved) {
    require((look.messages.at(uid).flags & cyrus::flag_bit::kSeen) != 0,
            "acknowledged, but UID " + std::to_string(uid) + " is not \\Seen");
  }
}

/// Every number that the mailbox holds twice must be the same twice.
void check_numbers(const Site& site, bool quota_too) {
  const auto mailbox = cyrus::MailboxName::of_user(site.maildrop().user, site.maildrop().subfolder, site.config());
  const auto contradictions = quota_too
                                  ? support::check_store(site.config())
                                  : support::check_mailbox(support::mailbox_files(site.config(), mailbox->intname()));
  if (!contradictions.empty()) throw Problem("contradiction: " + contradictions.front());
}

/// What was acknowledged must have been on disk when it was.
void check_synced(const Control& control, const MailboxLook& look) {
  struct stat status = {};
  require(::stat(look.index_file.c_str(), &status) == 0, "no index");
  for (const Written& file : control.written) {
    if (file.inode != status.st_ino || file.device != status.st_dev) continue;
    require(file.unsynced == 0, "acknowledged with " + std::to_string(file.unsynced) + " unsynced writes of the index");
  }
}

/// A count in statuscache.db that is not true any more hides mail from clients: it is gone, or the log tells why not.
/// The same of the line for replication.
void check_caches(const Site& site, bool has_logged) {
  if (has_logged) return;
  const auto mailbox = cyrus::MailboxName::of_user(site.maildrop().user, site.maildrop().subfolder, site.config());
  const auto status = cyrus::read_status(site.config(), *mailbox);
  require(status.has_value(), "statuscache.db afterwards: " + (status ? std::string() : status.error().text));
  require(!*status, "statuscache.db still has the old counts");
  if (!site.config().sync_log) return;
  require(content_of(site.config().config_directory / "sync" / "log").find(mailbox->intname()) != std::string::npos,
          "the sync log does not name the mailbox");
}

/// The whole session once more, with nothing in its way.
void check_again(const Site& site, const Before& before, cyrus::Store& store, Operation operation) {
  auto drop = store.open_maildrop(site.maildrop());
  require(drop.has_value(), "again: " + (drop ? std::string() : drop.error().text));
  if (operation != Operation::update) {
    require(listing_of(**drop) == before.listing, "again: another listing");
    for (std::uint32_t n = 1; n <= (*drop)->count(); ++n) {
      const auto text = retrieve(**drop, n);
      require(text.has_value(), "again: " + (text ? std::string() : text.error().text));
      require(*text == before.messages[n - 1], "again: message " + std::to_string(n) + " is another");
    }
    return;
  }
  // Numbers may have moved by now: what is to be deleted is told by its unique-id.
  const Listing rows = listing_of(**drop);
  for (std::uint32_t n = 1; n <= rows.size(); ++n) {
    const auto found = std::ranges::find(before.listing, rows[n - 1]);
    require(found != before.listing.end(), "again: " + rows[n - 1].second + " was not listed before");
    if (is_to_delete(static_cast<std::uint32_t>(found - before.listing.begin()) + 1)) {
      (*drop)->mark_deleted(MessageNumber{n});
    } else {
      (*drop)->mark_retrieved(MessageNumber{n});
    }
  }
  const auto report = (*drop)->update();
  if (site.refuses_update()) {
    require(!report && report.error().code == Errc::unsupported, "again: was not refused");
    return;
  }
  require(report.has_value(), "again: " + (report ? std::string() : report.error().text));
  check_all_done(site, before);
  bool ignored = false;
  check_store(site, before, ignored);
}

/// An error that the fault explains, and the reply that its session sends.
void check_error(const base::Error& error, const pop3::Line& reply) {
  require(error.code == Errc::io, "error " + std::string(base::name(error.code)) + ": " + error.text);
  require(reply.text.starts_with("-ERR [SYS/TEMP] "), "reply " + reply.text);
}

// -- the child --------------------------------------------------------------------------------------------------------

void attempt(const Site& site, Operation operation, Control& control, Report& report) {
  std::vector<std::string> logged;
  const base::Log log([&](base::Severity, std::string_view line) { logged.emplace_back(line); });
  const Before before = look_before(site, log);
  const auto descriptors = open_descriptors();
  {
    cyrus::Store store(site.config(), log);
    std::unique_ptr<Maildrop> drop;
    if (operation != Operation::open) {
      auto opened = store.open_maildrop(site.maildrop());
      require(opened.has_value(), "the site itself cannot be opened");
      drop = std::move(*opened);
    } else {
      // As after a boot: lock files and their directories are made by whoever comes first. And as at the first login
      // of all: what is remembered of the messages is not known yet.
      fs::remove_all(site.config().lock_path);
      fs::remove_all(site.config().config_directory / "pillarbox");
    }
    if (operation == Operation::update) mark(*drop);
    logged.clear();

    control.armed = 1;
    switch (operation) {
      case Operation::open: {
        const auto opened = store.open_maildrop(site.maildrop());
        control.armed = 0;
        report.completed = opened.has_value();
        if (!opened) check_error(opened.error(), pop3::could_not_open(opened.error()));
        if (opened) require(listing_of(**opened) == before.listing, "opened with another listing");
        break;
      }
      case Operation::retr: {
        std::size_t failures = 0;
        for (std::uint32_t n = 1; n <= drop->count(); ++n) {
          const auto text = retrieve(*drop, n);
          if (text) {
            require(*text == before.messages[n - 1], "message " + std::to_string(n) + " is another");
            continue;
          }
          ++failures;
          check_error(text.error(), pop3::could_not_read_message(text.error()));
        }
        control.armed = 0;
        report.completed = failures == 0;
        require(failures <= 1 || control.action == Action::fail_from, "one fault, and more than one message lost");
        break;
      }
      case Operation::update: {
        const auto updated = drop->update();
        control.armed = 0;
        report.completed = updated.has_value();
        if (updated) {
          require(!site.refuses_update(), "a mailbox with conversations was changed");
          check_all_done(site, before);
          check_synced(control, before.look);
          check_caches(site, !logged.empty());
        } else if (!site.refuses_update() || updated.error().code != Errc::unsupported) {
          check_error(updated.error(), pop3::could_not_update(updated.error()));
          report.lost_control = updated.error().text.find("could not be put back") != std::string::npos;
        }
        break;
      }
    }

    check_store(site, before, report.untouched);
    if (!report.lost_control) check_numbers(site, true);
    const MailboxLook look = look_at(site.maildrop(), site.config());
    if (!report.completed) {
      require(expunged_of(before, look) == 0 || report.lost_control, "not acknowledged, but messages are removed");
    }
    if (operation != Operation::update || site.refuses_update()) require(report.untouched, "the store has changed");
    drop.reset();
    check_again(site, before, store, operation);
    if (!report.lost_control) check_numbers(site, true);
  }
  require(open_descriptors() == descriptors, "a descriptor is left open");
}

/// In a new process, after the one that had the site was killed, and its children have ended. `is_apart`: it was killed
/// while one of them was at work.
void look_after_kill(const Site& site, const Before& before, Operation operation, const Control& control, bool is_apart,
                     Report& report) {
  const base::Log log([](base::Severity, std::string_view) {});
  check_store(site, before, report.untouched);
  check_numbers(site, true);
  const MailboxLook look = look_at(site.maildrop(), site.config());
  report.completed = operation == Operation::update && expunged_of(before, look) == before.deleted.size();
  require(report.completed || expunged_of(before, look) == 0, "half of the deletions are in the index");
  if (is_apart) {
    check_all_done(site, before);
    check_synced(control, before.look);
    check_caches(site, false);
  }
  cyrus::Store store(site.config(), log);
  check_again(site, before, store, operation);
  check_numbers(site, true);
}

/// Waits for what killed processes left behind, which became children of this one.
void await_orphans() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

/// Runs `work` in a child. Returns its wait status.
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

/// Shared memory for one Report.
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

std::string_view name(Operation operation) {
  switch (operation) {
    case Operation::open:
      return "open";
    case Operation::retr:
      return "RETR";
    case Operation::update:
      return "UPDATE";
  }
  return "?";
}

Outcome run_point(const Site& site, Operation operation, const Fault& fault, std::uint64_t nth, Control& control) {
  site.restore();
  plan(control, site, fault, nth);
  SharedReport shared;
  Report& report = *shared;
  std::optional<Before> before;
  const bool is_kill = fault.action == Action::kill || fault.action == Action::kill_parent;
  if (is_kill) {
    const base::Log log([](base::Severity, std::string_view) {});
    before = look_before(site, log);
  }

  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw std::runtime_error("prctl");
  const int status = in_child(report, [&] {
    control.process = ::getpid();
    attempt(site, operation, control, report);
  });
  await_orphans();
  control.armed = 0;
  Outcome outcome;
  outcome.fired = control.fired > 0;
  outcome.where = control.where.data();
  outcome.fired_apart = control.fired_apart;
  if (is_kill && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    outcome.killed = true;
    const bool is_apart = outcome.fired_apart;
    const int after = in_child(report, [&] { look_after_kill(site, *before, operation, control, is_apart, report); });
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
