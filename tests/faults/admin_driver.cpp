// admin_driver [--full] [--verbose]
//
// As fault_driver, for creating and deleting mailboxes, quota roots, autocreate, and the rewriting of mailboxes.db:
// lets each system call of an operation go wrong, one after the other and in each way, and looks each time whether
//
// - every mailbox that is listed can be opened, and counts right;
// - the same again, without a fault, succeeds or finds it done, and leaves what was asked for;
// - what was answered with success is there.
//
// A quota root may count wrong only where taking back failed too, and the error says so: quota -f puts that right.
// Killed is the process that makes the call, or the one that waits for it (base/run_apart.hpp): in the second case, and
// when the first is not the one that writes, the operation is done as a whole or not at all. Exits with 1 when anything
// did not hold.

#include "cyrus/mailbox_admin.hpp"
#include "cyrus/mailboxes_writer.hpp"
#include "cyrus/twoskip_writer.hpp"
#include "faults/fault_control.hpp"
#include "faults/stride.hpp"
#include "support/store_checker.hpp"
#include "support/temp_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

namespace fs = std::filesystem;
using base::Errc;
using cyrus::MailboxAdmin;
using cyrus::MailboxName;
using faults::Action;
using faults::Control;
using faults::Kind;

constexpr std::uint64_t kTooMany = 5'000;
constexpr unsigned kPatience = 60;  // seconds for one point
constexpr int kAsksForRepair = 64;  // of an exit code

MailboxName name(const std::string& intname) { return MailboxName::from_intname(intname).value(); }

struct Fault {
  Kind kind;
  Action action;
  int errnum;
};

std::vector<Fault> all_faults() {
  std::vector<Fault> faults;
  const auto add = [&](Kind kind, std::initializer_list<int> errors) {
    for (const int error : errors) faults.push_back({kind, Action::fail, error});
  };
  add(Kind::open, {EMFILE, EINTR});
  add(Kind::read, {EIO});
  add(Kind::write, {ENOSPC, EINTR});
  add(Kind::sync, {EIO});
  add(Kind::rename, {EIO});
  add(Kind::lock, {EIO});
  add(Kind::truncate, {EIO});
  add(Kind::stat, {EIO});
  add(Kind::mkdir, {ENOSPC});
  add(Kind::unlink, {EIO});
  faults.push_back({Kind::write, Action::halve, 0});
  faults.push_back({Kind::write, Action::halve_then_fail, ENOSPC});
  faults.push_back({Kind::write, Action::fail_from, ENOSPC});
  faults.push_back({Kind::sync, Action::fail_from, EIO});
  for (const Kind kind :
       {Kind::open, Kind::write, Kind::sync, Kind::rename, Kind::truncate, Kind::mkdir, Kind::unlink, Kind::lock}) {
    faults.push_back({kind, Action::kill, 0});
  }
  for (const Kind kind : {Kind::write, Kind::sync, Kind::rename, Kind::unlink}) {
    faults.push_back({kind, Action::kill_parent, 0});
  }
  return faults;
}

base::Result<void> without_value(const auto& result) {
  if (!result) return tl::unexpected(result.error());
  return {};
}

struct Operation {
  std::string_view name;
  std::function<base::Result<void>(MailboxAdmin&)> run;
  Errc done_already;                    // what it says when it is done
  std::set<std::string> live;           // afterwards
  std::set<std::string> optional = {};  // what of that a fault may have left out for good
  bool about_to_rewrite = false;
  void (*adapt)(cyrus::StoreConfig& config) = nullptr;
};

void by_name(cyrus::StoreConfig& config) { config.legacy_dirs = true; }
void for_good(cyrus::StoreConfig& config) { config.delete_mode = cyrus::DeleteMode::immediate; }
void by_name_for_good(cyrus::StoreConfig& config) {
  by_name(config);
  for_good(config);
}

std::vector<Operation> all_operations() {
  const std::set<std::string> before{"user.ann", "user.ann.a", "user.ann.a.b"};
  const auto with = [&](std::set<std::string> more) {
    more.insert(before.begin(), before.end());
    return more;
  };
  const auto create = [](const std::string& intname) {
    return [intname](MailboxAdmin& admin) { return without_value(admin.create_mailbox(name(intname))); };
  };
  const auto remove = [](const std::string& intname) {
    return [intname](MailboxAdmin& admin) { return without_value(admin.delete_mailbox(name(intname))); };
  };
  return {
      {"create INBOX", create("user.bob"), Errc::invalid, with({"user.bob"})},
      {"create folder", create("user.ann.x.y"), Errc::invalid, with({"user.ann.x", "user.ann.x.y"})},
      {"rewrite list", create("user.ann.n"), Errc::invalid, with({"user.ann.n"}), {}, true},
      {"delete folder", remove("user.ann.a.b"), Errc::not_found, {"user.ann", "user.ann.a"}},
      {"delete user", remove("user.ann"), Errc::not_found, {}},
      {"moved folder", remove("user.ann.a.b"), Errc::not_found, {"user.ann", "user.ann.a"}, {}, false, by_name},
      {"moved user", remove("user.ann"), Errc::not_found, {}, {}, false, by_name},
      {"folder for good", remove("user.ann.a.b"), Errc::not_found, {"user.ann", "user.ann.a"}, {}, false, for_good},
      {"user for good", remove("user.ann"), Errc::not_found, {}, {}, false, by_name_for_good},
      {"set quota",
       [](MailboxAdmin& admin) {
         return admin.set_quota(name("user.ann.a"), {7, 8});
       },
       Errc::invalid, before},
      {"autocreate",
       [](MailboxAdmin& admin) { return without_value(admin.autocreate_inbox("bob", cyrus::AutocreateFor::login)); },
       Errc::invalid,
       with({"user.bob", "user.bob.Sent"}),
       {"user.bob.Sent"}},
  };
}

class Driver {
 public:
  Driver(bool full, bool verbose) : full_(full), verbose_(verbose) {
    config_.config_directory = root_ / "conf";
    config_.partitions["default"] = root_ / "spool";
    config_.lock_path = root_ / "lock";
    config_.proc_path = root_ / "proc";
    config_.mailboxes_db = root_ / "conf/mailboxes.db";
    config_.quota_db = root_ / "conf/quota";
    config_.statuscache_db = root_ / "conf/statuscache.db";
    config_.idle_socket = root_ / "conf/idle";
    config_.server_name = "test.example";
    config_.sync_log = true;
    config_.autocreate.quota_kib = 10;
    config_.autocreate.inbox_folders = "Sent";
    plain_config_ = config_;
    void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    control_ = static_cast<Control*>(memory);
    ::fault_shim_use(control_);
    // What a killed process has left at work is waited for here.
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw std::runtime_error("prctl");
  }

  int run() {
    std::uint64_t points = 0;
    for (const Operation& operation : all_operations()) {
      config_ = plain_config_;
      if (operation.adapt != nullptr) operation.adapt(config_);
      make(operation.about_to_rewrite);
      std::uint64_t of_operation = 0;
      for (const Fault& fault : all_faults()) {
        // What only reads is much the same everywhere.
        const bool changes = fault.kind == Kind::write || fault.kind == Kind::sync || fault.kind == Kind::rename ||
                             fault.kind == Kind::mkdir || fault.kind == Kind::truncate;
        for (std::uint64_t n = 1;; n += full_ ? 1 : changes ? faults::kStride : 7 * faults::kStride) {
          if (n > kTooMany) throw std::runtime_error("an operation that does not end");
          if (!run_point(operation, fault, n)) break;
          ++of_operation;
        }
      }
      std::printf("%-15s %6llu points\n", std::string(operation.name).c_str(),
                  static_cast<unsigned long long>(of_operation));
      std::fflush(stdout);
      points += of_operation;
    }
    std::printf("%llu points, %llu of them in a child that writes, %llu problems\n",
                static_cast<unsigned long long>(points), static_cast<unsigned long long>(apart_),
                static_cast<unsigned long long>(problems_));
    return problems_ == 0 && points > 500 / faults::kStride && apart_ > 100 / faults::kStride ? 0 : 1;
  }

 private:
  /// The store before each point, and a copy of it.
  void make(bool about_to_rewrite) {
    fs::remove_all(root_);
    MailboxAdmin admin(config_, log_);
    bool done = admin.make_store().has_value();
    for (const char* intname : {"user.ann", "user.ann.a.b"}) done = done && admin.create_mailbox(name(intname));
    done = done && admin.set_quota(name("user.ann"), {1000, 100});
    if (!done) throw std::runtime_error("the store cannot be made");
    if (about_to_rewrite) grow_list();
    fs::remove_all(pristine_);
    fs::copy(root_, pristine_, fs::copy_options::recursive);
  }

  /// To where one more commit makes the writer rewrite the file.
  void grow_list() {
    for (int n = 0;; ++n) {
      auto database = cyrus::TwoskipWriter::open(config_.mailboxes_db);
      if (!database) throw std::runtime_error(database.error().text);
      // Less than a creation adds below the size from which files are rewritten.
      if (database->header().current_size > 16'834 - 600) return;
      if (n > 1'000) throw std::runtime_error("the list does not grow");
      const auto value = database->find(
          "Nuser\x1f"
          "ann");
      if (!value ||
          !database->store("Nuser\x1f"
                           "ann",
                           *value + ' ') ||
          !database->store("Nuser\x1f"
                           "ann",
                           *value) ||
          !database->commit()) {
        throw std::runtime_error("the list cannot be grown");
      }
    }
  }

  void restore() const {
    fs::remove_all(root_);
    fs::copy(pristine_, root_, fs::copy_options::recursive);
  }

  /// False: the operation made fewer calls of that kind.
  bool run_point(const Operation& operation, const Fault& fault, std::uint64_t nth) {
    restore();
    arm(fault, nth);
    const int status = in_child([&] {
      control_->process = ::getpid();
      bool asks_for_repair = false;
      const auto note = [&](std::string_view text) { asks_for_repair |= text.find("quota -f") != std::string::npos; };
      const base::Log log([&](base::Severity, std::string_view text) { note(text); });
      MailboxAdmin admin(config_, log);
      control_->armed = 1;
      const auto result = operation.run(admin);
      control_->armed = 0;
      if (!result) note(result.error().text);
      return (result ? 0 : 1 + static_cast<int>(result.error().code)) | (asks_for_repair ? kAsksForRepair : 0);
    });
    control_->armed = 0;
    if (control_->fired == 0) return false;
    const bool may_miscount = WIFEXITED(status) && (WEXITSTATUS(status) & kAsksForRepair) != 0;
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool succeeded = WIFEXITED(status) && (WEXITSTATUS(status) & ~kAsksForRepair) == 0;
    const auto tell = [&](const std::string& what) {
      std::printf("%s: %s %llu, action %u errno %d (%s): %s\n", std::string(operation.name).c_str(),
                  std::string(faults::kKindNames[static_cast<std::size_t>(fault.kind)]).c_str(),
                  static_cast<unsigned long long>(nth), static_cast<unsigned>(fault.action), fault.errnum,
                  control_->where.data(), what.c_str());
      std::fflush(stdout);
    };
    const auto complain = [&](const std::string& what) {
      ++problems_;
      tell(what);
    };
    if (!killed && !WIFEXITED(status)) complain("died by signal " + std::to_string(WTERMSIG(status)));
    const bool dies = fault.action == Action::kill_parent || (fault.action == Action::kill && !control_->fired_apart);
    if (killed != dies) complain("was not killed, or should not have been");
    if (control_->fired_apart) ++apart_;
    if (verbose_) tell(succeeded ? "success" : killed ? "killed" : "failed");

    check_list(complain);
    MailboxAdmin admin(config_, log_);
    if (succeeded) check_live(operation, admin, false, complain);
    const auto again = operation.run(admin);
    if (!again && again.error().code != operation.done_already) complain("again: " + again.error().text);
    check_live(operation, admin, true, complain);
    check_list(complain);
    for (const std::string& line : support::check_store(config_)) {
      if (may_miscount && line.find("quota") != std::string::npos) continue;
      // Cyrus warns of that and puts it right: cyrus.header is newer than the index knows.
      const bool cut_off = fault.action == Action::fail_from;
      if (cut_off && line.find("header_file_crc") != std::string::npos) continue;
      complain("finally: " + line);
    }
    return true;
  }

  /// Every usable mailbox can be opened, its id leads to it, and every record can be read.
  void check_list(const std::function<void(const std::string&)>& complain) {
    MailboxAdmin admin(config_, log_);
    bool readable = true;
    const base::Log errors([&](base::Severity, std::string_view text) {
      readable = false;
      complain("list: " + std::string(text));
    });
    MailboxAdmin listing(config_, errors);
    const auto list = listing.list_mailboxes({"", true, false});
    if (!list) return complain("list: " + list.error().text);
    for (const auto& mailbox : *list) {
      if (!mailbox.record.usable()) continue;
      const auto info = admin.mailbox_info(mailbox.record.name);
      if (!info) complain("mailbox: " + info.error().text);
    }
  }

  void check_live(const Operation& operation, MailboxAdmin& admin, bool finally,
                  const std::function<void(const std::string&)>& complain) {
    std::set<std::string> live;
    const auto list = admin.list_mailboxes();
    if (!list) return complain("list: " + list.error().text);
    for (const auto& mailbox : *list) live.insert(mailbox.record.name.intname());
    for (const auto& intname : operation.live) {
      if (!live.contains(intname) && !operation.optional.contains(intname)) complain(intname + " is missing");
    }
    for (const auto& intname : live) {
      if (!operation.live.contains(intname)) complain(intname + (finally ? " is there finally" : " is there"));
    }
  }

  void arm(const Fault& fault, std::uint64_t nth) const {
    control_->armed = 0;
    control_->kind = fault.kind;
    control_->action = fault.action;
    control_->errnum = fault.errnum;
    control_->nth = nth;
    control_->fired = 0;
    for (auto& count : control_->seen) count = 0;
    control_->where.fill('\0');
    control_->fired_apart = false;
    control_->written.fill(faults::Written{});
    control_->root.fill('\0');
    const std::string root = root_.native();
    if (root.size() >= control_->root.size()) throw std::runtime_error("path too long: " + root);
    std::ranges::copy(root, control_->root.begin());
  }

  static int in_child(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
      ::alarm(kPatience);
      ::_exit(work());
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    return status;
  }

  const bool full_;
  const bool verbose_;
  support::TempDirectory directory_;
  const fs::path root_ = directory_.path() / "store";
  const fs::path pristine_ = directory_.path() / "pristine";
  cyrus::StoreConfig config_;
  cyrus::StoreConfig plain_config_;
  const base::Log log_{[](base::Severity, std::string_view) {}};
  Control* control_ = nullptr;
  std::uint64_t problems_ = 0;
  std::uint64_t apart_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    const auto given = [&](std::string_view argument) { return std::ranges::count(arguments, argument) != 0; };
    return Driver(given("--full"), given("--verbose")).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "admin_driver: %s\n", error.what());
    return 1;
  }
}
