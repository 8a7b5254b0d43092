// pillarbox import: brings the mail of another server over. Each message is durable in the mailbox, or not there at
// all; what is there already is told by its SHA-1, which cyrus.index has, counted. So an import can be stopped at any
// moment, by a kill too, and is ended by repeating it.

#include "base/log.hpp"
#include "base/sha1.hpp"
#include "cyrus/append.hpp"
#include "cyrus/message_intake.hpp"
#include "cyrus/message_text.hpp"
#include "cyrus/stored_guids.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/import_source.hpp"
#include "tools/pillarbox/interruption.hpp"
#include "tools/pillarbox/mailbox_argument.hpp"
#include "tools/pillarbox/patience.hpp"
#include "tools/pillarbox/progress.hpp"
#include "tools/pillarbox/site.hpp"

#include <nlohmann/json.hpp>

#include <pwd.h>
#include <span>
#include <sysexits.h>
#include <unistd.h>
#include <vector>

namespace tools {
namespace {

using base::Errc;

/// One message is held in memory while it is looked at.
constexpr std::size_t kMaxMessage = std::size_t{512} << 20;

/// What is appended in one step, with the mailbox locked: few enough that nobody waits long for it.
constexpr std::size_t kBatchMessages = 200;
constexpr std::uint64_t kBatchOctets = std::uint64_t{16} << 20;

base::Result<MboxQuoting> quoting_of(const Arguments& arguments) {
  const auto word = arguments.value("quoting", "mboxrd");
  if (word == "mboxrd") return MboxQuoting::mboxrd;
  if (word == "mboxo") return MboxQuoting::mboxo;
  if (word == "none") return MboxQuoting::none;
  return fail_with(EX_USAGE, "--quoting: mboxrd, mboxo or none");
}

/// Names who could not read it: the service's user reads, not root who typed the command.
base::Error with_reader(base::Error error) {
  if (error.code != Errc::permission) return error;
  const auto* const user = ::getpwuid(::geteuid());
  error.text += " (read as user " + (user != nullptr ? std::string(user->pw_name) : std::to_string(::geteuid())) + ")";
  return error;
}

class Import {
 public:
  Import(cyrus::StoreConfig store, const Arguments& arguments, Console& console)
      : store_(std::move(store)),
        mailboxes_(store_),
        arguments_(arguments),
        console_(console),
        log_([this](base::Severity severity, std::string_view line) {
          if (severity <= base::Severity::warning) say(line);
        }),
        progress_("import", 0, " KiB") {}

  base::Result<int> run() {
    const auto name = parse_mailbox_argument(arguments_.operands.front(), store_);
    if (!name) return tl::unexpected(name.error());
    const auto quoting = quoting_of(arguments_);
    if (!quoting) return tl::unexpected(quoting.error());
    std::vector<ImportSource> sources;
    std::uint64_t octets = 0;
    for (std::size_t i = 1; i < arguments_.operands.size(); ++i) {
      auto source = find_import_source(arguments_.operands[i]);
      if (!source) return tl::unexpected(with_status(EX_NOINPUT, with_reader(std::move(source.error()))));
      for (const auto& folder : source->folders_left_out) {
        say(folder.native() + ": a folder of its own, not imported");
      }
      octets += source->octets;
      sources.push_back(*std::move(source));
    }
    if (const auto ready = prepare(*name); !ready) return tl::unexpected(ready.error());

    progress_.set_total(octets / 1024);
    const Interruption interruption;
    base::Result<void> done;
    for (const ImportSource& source : sources) {
      done = read_import_source(
          source, *quoting, kMaxMessage, [&](SourceMessage&& message) { return take(*name, std::move(message)); },
          [&](std::uint64_t taken) { advance(taken); });
      if (!done) break;
    }
    // What is staged is on disk: an interruption need not lose it. After an error nothing more is tried.
    const bool may_append = done || done.error().code == Errc::closed;
    if (may_append) {
      if (const auto last = append_waiting(*name); !last) done = last;
    }
    progress_.clear();
    report(*name, done);
    if (!done && done.error().code != Errc::closed) return tl::unexpected(std::move(done.error()));
    if (!done) return EX_TEMPFAIL;
    return refused_ == 0 ? kAllWell : kProblemsFound;
  }

 private:
  base::Result<void> prepare(const cyrus::MailboxName& name) {
    cyrus::remove_stale_stage_files(store_);
    const auto record = patiently(store_.lock_timeout, [&] { return mailboxes_.find(name); });
    if (!record) return tl::unexpected(record.error());
    partition_ = record->partition;
    auto guids = patiently(store_.lock_timeout, [&] { return cyrus::read_stored_guids(name, store_, mailboxes_); });
    if (!guids) return tl::unexpected(std::move(guids.error()));
    guids_ = *std::move(guids);
    return {};
  }

  base::Result<void> take(const cyrus::MailboxName& name, SourceMessage&& message) {
    if (Interruption::requested()) return base::fail(Errc::closed, "interrupted");
    std::string text;
    text.reserve(message.text.size() + message.text.size() / 32);
    cyrus::TextRules rules;
    // It was delivered once: nothing of it is added, taken out or changed but line ends.
    rules.remove_return_path = false;
    rules.munge_8bit = false;
    cyrus::MessageText made(std::move(rules));
    made.add(message.text, text);
    made.finish(text);
    if (made.fault() || text.empty()) {
      ++refused_;
      say(message.where +
          ": not imported: " + (made.fault() ? std::string(cyrus::describe(*made.fault())) : "message is empty"));
      return {};
    }
    const auto known = guids_.find(base::sha1(text));
    if (known != guids_.end() && known->second > 0) {
      --known->second;
      ++present_;
      return {};
    }
    return stage(name, message, text);
  }

  /// Stages a message that is not there; a batch of them is appended in one step.
  base::Result<void> stage(const cyrus::MailboxName& name, const SourceMessage& message, std::string_view text) {
    cyrus::IntakeOptions options;
    options.remove_return_path = false;
    options.munge_8bit = false;
    options.partition = partition_;
    if (message.date && *message.date > 0) options.internaldate = static_cast<std::uint64_t>(*message.date);
    auto intake = cyrus::MessageIntake::begin(store_, std::move(options));
    if (!intake) return tl::unexpected(std::move(intake.error()));
    if (auto written = intake->write(text); !written) return written;
    auto staged = intake->finish();
    if (!staged) return tl::unexpected(std::move(staged.error()));
    waiting_octets_ += staged->size();
    waiting_.push_back(*std::move(staged));
    flags_.push_back(message.flags);
    if (waiting_.size() < kBatchMessages && waiting_octets_ < kBatchOctets) return {};
    return append_waiting(name);
  }

  base::Result<void> append_waiting(const cyrus::MailboxName& name) {
    std::vector<cyrus::BatchMessage> batch;
    for (std::size_t i = 0; i < waiting_.size(); ++i) batch.push_back({&waiting_[i], flags_[i]});
    cyrus::AppendOptions how;
    how.strict_quota = true;
    how.ignore_quota = arguments_.has("ignore-quota");
    // how.duplicates stays away: the SHA-1 says it, and a Message-ID may rightly be there twice.
    const auto append = [&](std::span<const cyrus::BatchMessage> messages) -> base::Result<void> {
      const auto appended = patiently(
          store_.lock_timeout, [&] { return cyrus::append_messages(name, messages, how, store_, mailboxes_, log_); });
      if (!appended) return tl::unexpected(appended.error());
      imported_ += appended->size();
      return {};
    };
    auto done = append(batch);
    if (!done && done.error().code == Errc::limit) {
      // As many as there is room for.
      done = {};
      for (std::size_t i = 0; done && i < batch.size(); ++i) done = append(std::span(batch).subspan(i, 1));
    }
    if (!done) {
      over_quota_ = done.error().code == Errc::limit;
      return done;
    }
    waiting_.clear();
    flags_.clear();
    waiting_octets_ = 0;
    return {};
  }

  void advance(std::uint64_t octets) {
    pending_ += octets;
    progress_.advance(pending_ / 1024);
    pending_ %= 1024;
  }

  void say(std::string_view line) {
    progress_.clear();
    console_.note(line);
  }

  void report(const cyrus::MailboxName& name, const base::Result<void>& done) {
    if (arguments_.has("json")) {
      console_.json({{"mailbox", name.intname()},
                     {"imported", imported_},
                     {"present", present_},
                     {"refused", refused_},
                     {"complete", static_cast<bool>(done)}});
      return;
    }
    std::string line = "mailbox " + name.intname() + ": " + std::to_string(imported_) + " messages imported, " +
                       std::to_string(present_) + " were there already";
    if (refused_ > 0) line += ", " + std::to_string(refused_) + " not imported";
    if (over_quota_) {
      line += "; not complete: raise the quota ('pillarbox mailbox quota'), or repeat the command with --ignore-quota";
    } else if (!done) {
      line += "; not complete: repeat the command to go on";
    }
    console_.line(line);
  }

  const cyrus::StoreConfig store_;
  const cyrus::MailboxList mailboxes_;
  const Arguments& arguments_;
  Console& console_;
  const base::Log log_;
  Progress progress_;

  std::string partition_;
  cyrus::GuidCounts guids_;
  std::vector<cyrus::StagedMessage> waiting_;
  std::vector<std::uint32_t> flags_;  // of waiting_
  std::uint64_t waiting_octets_ = 0;
  std::uint64_t imported_ = 0;
  std::uint64_t present_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t pending_ = 0;
  bool over_quota_ = false;  // that is where it ended
};

base::Result<int> run_import(const Arguments& arguments, Console& console) {
  auto store = enter_store(arguments.conf_file);
  if (!store) return tl::unexpected(store.error());
  return Import(*std::move(store), arguments, console).run();
}

}  // namespace

std::vector<Command> import_commands() {
  return {
      {"import",
       {"USER[+FOLDER] SOURCE...", 2, 100'000},
       "import an mbox, a Maildir or a directory of *.eml",
       "Imports messages into a mailbox that exists, with their flags (from the names of a Maildir, Status and "
       "X-Status of an mbox) and the dates at which they were received (file times of a Maildir, 'From ' lines of an "
       "mbox). It can be stopped at any moment, even killed: repeated, it goes on, and no message comes twice. What is "
       "there is told by the SHA-1 of the messages; one that was deleted since, and not yet removed by cyr_expire, "
       "does not come back. The files must be readable for the Cyrus user. Folders within a Maildir are sources of "
       "their own.",
       {{"quoting", "KIND", "how an mbox hides 'From ' lines: mboxrd (default), mboxo, none"},
        {"ignore-quota", "", "go on in a mailbox that is over its quota"},
        {"json", "", "print one JSON document: mailbox, imported, present, refused, complete"}},
       {{"import alice /var/mail/alice", "an mbox into alice's INBOX"},
        {"import alice+Work /home/alice/Maildir/.Work", "a folder of a Maildir"}},
       &run_import}};
}

}  // namespace tools
