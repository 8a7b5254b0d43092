// pillarbox check: is the store in order? Changes nothing.

#include "cyrus/mailbox_check.hpp"
#include "cyrus/quota_check.hpp"
#include "cyrus/store_check.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/mailbox_argument.hpp"
#include "tools/pillarbox/patience.hpp"
#include "tools/pillarbox/progress.hpp"
#include "tools/pillarbox/site.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <sysexits.h>

namespace tools {
namespace {

using base::Errc;
using cyrus::MailboxRecord;
using cyrus::Problem;

/// How long a lock may be in the way before a mailbox is passed over.
constexpr std::chrono::milliseconds kPatience{2000};

std::string text_of(const Problem& problem) {
  std::string text = problem.harmless ? "note: " : "";
  if (!problem.mailbox.empty()) text += "mailbox " + problem.mailbox + ": ";
  return text + problem.text;
}

class Check {
 public:
  Check(cyrus::StoreConfig config, const Arguments& arguments, Console& console)
      : config_(std::move(config)), mailboxes_(config_), arguments_(arguments), console_(console) {
    options_.deep = arguments.has("deep");
  }

  base::Result<int> run() {
    std::vector<cyrus::MailboxName> asked;
    for (const std::string& operand : arguments_.operands) {
      auto name = parse_mailbox_argument(operand, config_);
      if (!name) return tl::unexpected(name.error());
      asked.push_back(*std::move(name));
    }
    auto listed = patiently(kPatience, [&] {
      problems_.clear();
      return cyrus::list_store(mailboxes_, problems_);
    });
    if (!listed) return tl::unexpected(listed.error());
    // Of the list as a whole nobody asked who names mailboxes.
    if (!asked.empty()) {
      problems_.clear();
      for (const auto& name : asked) {
        const bool there =
            std::ranges::any_of(*listed, [&](const MailboxRecord& record) { return record.name == name; });
        if (there) continue;
        const auto record = mailboxes_.find(name);
        if (!record) return tl::unexpected(record.error());
        return base::fail(Errc::unsupported, "mailbox " + name.intname() + ": is not on this server, or only a name");
      }
    }
    check_mailboxes(*listed, asked);
    for (const std::string& root : roots_) check_root(root, *listed);
    if (asked.empty()) {
      const auto done =
          patiently(kPatience, [&] { return cyrus::find_stray_directories(*listed, config_, mailboxes_, problems_); });
      if (!done) not_checked("stray directories", done.error());
    }
    report();
    if (std::ranges::any_of(problems_, [](const Problem& problem) { return !problem.harmless; })) return kProblemsFound;
    return not_checked_.empty() ? kAllWell : EX_TEMPFAIL;
  }

 private:
  void check_mailboxes(const std::vector<MailboxRecord>& listed, const std::vector<cyrus::MailboxName>& asked) {
    std::vector<const MailboxRecord*> chosen;
    for (const MailboxRecord& record : listed) {
      const bool wanted = asked.empty() || std::ranges::find(asked, record.name) != asked.end();
      if (wanted) chosen.push_back(&record);
    }
    Progress progress("check", chosen.size());
    for (const MailboxRecord* record : chosen) {
      auto report = patiently(kPatience, [&] {
        return cyrus::check_mailbox(record->name, config_, mailboxes_, options_, [&] { progress.tick(); });
      });
      progress.advance();
      if (!report) {
        // Deleted or renamed while we looked.
        if (report.error().code == Errc::not_found && asked.empty()) continue;
        not_checked("mailbox " + record->name.intname(), report.error());
        continue;
      }
      ++checked_;
      messages_ += report->messages;
      octets_ += report->octets;
      if (!report->quota_root.empty()) roots_.insert(report->quota_root);
      for (Problem& problem : report->problems) problems_.push_back(std::move(problem));
    }
  }

  void check_root(const std::string& root, const std::vector<MailboxRecord>& listed) {
    const auto done =
        patiently(kPatience, [&] { return cyrus::check_quota_root(root, listed, config_, mailboxes_, problems_); });
    if (!done) not_checked("quota root " + root, done.error());
  }

  void not_checked(std::string what, const base::Error& error) {
    not_checked_.emplace_back(std::move(what), error.text);
  }

  void report() {
    if (arguments_.has("json")) return report_json();
    for (const Problem& problem : problems_) console_.line(text_of(problem));
    for (const auto& [what, why] : not_checked_) console_.line("not checked: " + what + ": " + why);
    const auto harmless = std::ranges::count_if(problems_, &Problem::harmless);
    const auto found = problems_.size() - static_cast<std::size_t>(harmless);
    std::string line = std::to_string(checked_) + " mailboxes, " + std::to_string(messages_) + " messages, " +
                       std::to_string(octets_) + " octets: ";
    line += found == 0 ? "no problems" : std::to_string(found) + (found == 1 ? " problem" : " problems");
    if (harmless > 0) line += ", " + std::to_string(harmless) + (harmless == 1 ? " note" : " notes");
    if (!not_checked_.empty()) line += ", " + std::to_string(not_checked_.size()) + " not checked";
    console_.line(line);
  }

  void report_json() {
    auto list = nlohmann::json::array();
    for (const Problem& problem : problems_) {
      nlohmann::json item{{"severity", problem.harmless ? "note" : "problem"}, {"text", problem.text}};
      if (!problem.mailbox.empty()) item["mailbox"] = problem.mailbox;
      if (problem.uid != 0) item["uid"] = problem.uid;
      list.push_back(std::move(item));
    }
    auto passed_over = nlohmann::json::array();
    for (const auto& [what, why] : not_checked_) passed_over.push_back({{"what", what}, {"why", why}});
    console_.json({{"mailboxes", checked_},
                   {"messages", messages_},
                   {"octets", octets_},
                   {"problems", std::move(list)},
                   {"not_checked", std::move(passed_over)}});
  }

  cyrus::StoreConfig config_;
  cyrus::MailboxList mailboxes_;
  const Arguments& arguments_;
  Console& console_;
  cyrus::CheckOptions options_;

  std::vector<Problem> problems_;
  std::vector<std::pair<std::string, std::string>> not_checked_;
  std::set<std::string> roots_;
  std::uint64_t checked_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t octets_ = 0;
};

base::Result<int> run_check(const Arguments& arguments, Console& console) {
  auto config = enter_store(arguments.conf_file);
  if (!config) return tl::unexpected(config.error());
  return Check(*std::move(config), arguments, console).run();
}

}  // namespace

std::vector<Command> check_commands() {
  return {
      {"check",
       {"[NAME...]", 0, 100'000},
       "verify mailboxes, or the whole store; changes nothing",
       "Verifies mailboxes, or without NAME the whole store: mailboxes.db, cyrus.header, cyrus.index with all its "
       "CRCs and counters, cache records, message files, quota usage, and files that belong to nothing. Changes "
       "nothing, and holds locks for moments only: it may run beside a busy server. A NAME is USER, USER+FOLDER, or "
       "an internal name such as user.ann.sub. Notes are leftovers that do no harm. Repairs are Cyrus's reconstruct "
       "and quota -f. Exit status 1: problems; 75: none, but something was locked and not checked.",
       {{"deep", "", "read every message and compare its SHA-1 with cyrus.index"},
        {"json", "", "print one JSON document: mailboxes, messages, octets, problems, not_checked"}},
       {{"check", "the whole store"}, {"check --deep alice alice+Archive", "two mailboxes, every octet"}},
       &run_check}};
}

}  // namespace tools
