// pillarbox mailbox: mailboxes and quota roots, beside a live server.

#include "base/log.hpp"
#include "config/value.hpp"
#include "cyrus/mailbox_admin.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/mailbox_argument.hpp"
#include "tools/pillarbox/patience.hpp"
#include "tools/pillarbox/site.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <ctime>
#include <optional>
#include <sysexits.h>

namespace tools {
namespace {

using base::Errc;
using cyrus::MailboxAdmin;
using cyrus::MailboxRecord;
using nlohmann::json;

/// The store, as all of these commands use it.
struct Opened {
  Opened(cyrus::StoreConfig store, Console& console)
      : log([&console](base::Severity severity, std::string_view line) {
          if (severity <= base::Severity::warning) console.note(line);
        }),
        admin(std::move(store), log) {}

  base::Log log;
  MailboxAdmin admin;
};

template <class Work>
base::Result<int> with_store(const Arguments& arguments, Console& console, const Work& work) {
  auto config = enter_store(arguments.conf_file);
  if (!config) return tl::unexpected(config.error());
  Opened opened(*std::move(config), console);
  return work(opened.admin);
}

/// As with_store(), for the mailbox of the first operand.
template <class Work>
base::Result<int> with_mailbox(const Arguments& arguments, Console& console, const Work& work) {
  return with_store(arguments, console, [&](MailboxAdmin& admin) -> base::Result<int> {
    const auto name = parse_mailbox_argument(arguments.operands.front(), admin.config());
    if (!name) return tl::unexpected(name.error());
    return work(admin, *name);
  });
}

/// Calls that meet a lock are repeated as long as services would.
template <class Work>
auto patiently(const MailboxAdmin& admin, const Work& work) {
  return tools::patiently(admin.config().lock_timeout, work);
}

// -- create, delete -------------------------------------------------------------------------------------------------

base::Result<int> run_create(const Arguments& arguments, Console& console) {
  return with_mailbox(arguments, console,
                      [&](MailboxAdmin& admin, const cyrus::MailboxName& name) -> base::Result<int> {
                        if (const auto made = patiently(admin, [&] { return admin.make_store(); }); !made) {
                          return tl::unexpected(made.error());
                        }
                        const auto known = patiently(admin, [&] { return admin.mailbox_info(name); });
                        if (known) return fail_with(EX_CANTCREAT, "mailbox " + name.intname() + ": exists already");
                        cyrus::CreateOptions options;
                        options.partition = arguments.value("partition");
                        const auto created = patiently(admin, [&] { return admin.create_mailbox(name, options); });
                        if (!created) return tl::unexpected(created.error());
                        console.line("mailbox " + name.intname() + " created");
                        return kAllWell;
                      });
}

base::Result<int> run_delete(const Arguments& arguments, Console& console) {
  return with_mailbox(
      arguments, console, [&](MailboxAdmin& admin, const cyrus::MailboxName& name) -> base::Result<int> {
        const auto deleted = patiently(admin, [&] { return admin.delete_mailbox(name); });
        if (!deleted) return tl::unexpected(deleted.error());
        if (deleted->back() == name) {
          console.line("mailbox " + name.intname() + " deleted, with its mail (delete_mode: immediate)");
          return kAllWell;
        }
        console.line("mailbox " + name.intname() + " deleted; the mail is kept until cyr_expire removes it, as");
        for (const auto& kept : *deleted) console.line("  " + kept.intname());
        return kAllWell;
      });
}

// -- list, info -----------------------------------------------------------------------------------------------------

std::string state_of(const MailboxRecord& record) {
  if (record.deleted) return "deleted";
  if (record.intermediate) return "name only";
  if (record.moving) return "moving";
  if (record.reserved) return "reserved";
  if (record.remote) return "on " + record.server;
  return record.usable() ? "here" : "without partition";
}

json json_of(const MailboxRecord& record) {
  json item{{"name", record.name.intname()},
            {"state", state_of(record)},
            {"uniqueid", record.uniqueid},
            {"partition", record.partition},
            {"uidvalidity", record.uidvalidity}};
  if (const std::string user = record.name.userid(); !user.empty()) item["user"] = user;
  json acl = json::object();
  for (const auto& entry : record.acl) acl[entry.identifier] = entry.rights;
  item["acl"] = std::move(acl);
  return item;
}

base::Result<int> run_list(const Arguments& arguments, Console& console) {
  return with_store(arguments, console, [&](MailboxAdmin& admin) -> base::Result<int> {
    cyrus::ListOptions options;
    options.user = arguments.value("user");
    options.deleted = arguments.has("all");
    options.counts = arguments.has("counts");
    const auto listed = patiently(admin, [&] { return admin.list_mailboxes(options); });
    if (!listed) return tl::unexpected(listed.error());
    auto list = json::array();
    for (const auto& mailbox : *listed) {
      if (arguments.has("json")) {
        json item = json_of(mailbox.record);
        if (mailbox.counts) {
          item["messages"] = mailbox.counts->messages;
          item["unseen"] = mailbox.counts->unseen;
          item["octets"] = mailbox.counts->octets;
        }
        list.push_back(std::move(item));
        continue;
      }
      std::string line = mailbox.record.name.intname();
      if (options.deleted && !mailbox.record.usable()) line += "  (" + state_of(mailbox.record) + ')';
      if (mailbox.counts) {
        line += "  " + std::to_string(mailbox.counts->messages) + " messages, " +
                std::to_string(mailbox.counts->unseen) + " unseen, " + std::to_string(mailbox.counts->octets) +
                " octets";
      }
      console.line(line);
    }
    if (arguments.has("json")) console.json({{"mailboxes", std::move(list)}});
    return kAllWell;
  });
}

/// "2026-11-26 12:00:00 UTC", or "never".
std::string time_text(const cyrus::Time& time) {
  if (time.seconds == 0) return "never";
  const auto seconds = static_cast<std::time_t>(time.seconds);
  struct tm parts = {};
  std::array<char, 64> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return std::to_string(time.seconds);
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), size};
}

base::Result<int> run_info(const Arguments& arguments, Console& console) {
  return with_mailbox(
      arguments, console, [&](MailboxAdmin& admin, const cyrus::MailboxName& name) -> base::Result<int> {
        const auto info = patiently(admin, [&] { return admin.mailbox_info(name); });
        if (!info) return tl::unexpected(info.error());
        const cyrus::IndexHeader& header = info->header;
        if (arguments.has("json")) {
          json item = json_of(info->record);
          item["directory"] = info->directory.native();
          item["uidvalidity"] = header.uidvalidity;
          item["last_uid"] = header.last_uid;
          item["messages"] = header.exists;
          item["unseen"] = header.unseen;
          item["octets"] = header.quota_mailbox_used;
          item["highestmodseq"] = header.highestmodseq;
          item["index_version"] = header.minor_version;
          item["last_append"] = header.last_appenddate.seconds;
          item["last_pop3_login"] = header.pop3_last_login.seconds;
          if (!info->quota_root.empty()) item["quota_root"] = info->quota_root;
          item["user_flags"] = info->user_flags;
          console.json(item);
          return kAllWell;
        }
        const auto row = [&](std::string_view title, const std::string& text) {
          std::string line(title);
          line.resize(18, ' ');
          console.line(line + text);
        };
        row("mailbox", name.intname());
        row("uniqueid", info->record.uniqueid);
        row("partition", info->record.partition);
        row("directory", info->directory.native());
        row("messages", std::to_string(header.exists) + ", " + std::to_string(header.unseen) + " unseen");
        row("octets", std::to_string(header.quota_mailbox_used));
        row("uidvalidity", std::to_string(header.uidvalidity));
        row("last UID", std::to_string(header.last_uid));
        row("highest modseq", std::to_string(header.highestmodseq));
        row("index version", std::to_string(header.minor_version));
        row("last append", time_text(header.last_appenddate));
        row("last POP3 login", time_text(header.pop3_last_login));
        row("quota root", info->quota_root.empty() ? "none" : info->quota_root);
        for (const auto& entry : info->record.acl) row("access", entry.identifier + ' ' + entry.rights);
        return kAllWell;
      });
}

// -- quota ----------------------------------------------------------------------------------------------------------

/// A limit of an option: "none" or a number of `unit` (K: KiB, with suffixes; else a plain number).
base::Result<std::optional<std::uint64_t>> limit_of(std::string_view option, std::string_view text, char unit) {
  if (text == "none") return std::optional<std::uint64_t>();
  const auto octets = config::parse_byte_size(text, unit, false);
  if (!octets) return fail_with(EX_USAGE, "--" + std::string(option) + ": neither a number nor 'none'");
  return std::optional(static_cast<std::uint64_t>(*octets) / (unit == 'K' ? 1024 : 1));
}

std::string use_text(std::int64_t used, const std::optional<std::uint64_t>& limit) {
  return std::to_string(used) + " of " + (limit ? std::to_string(*limit) : "unlimited");
}

base::Result<int> show_quota(MailboxAdmin& admin, const cyrus::MailboxName& name, bool as_json, Console& console) {
  const auto root = patiently(admin, [&] { return admin.quota_of(name); });
  if (!root) return tl::unexpected(root.error());
  if (as_json) {
    json item{{"mailbox", name.intname()}, {"quota_root", nullptr}};
    if (*root) {
      const auto& limits = (*root)->limits;
      item["quota_root"] = (*root)->name;
      item["storage_octets"] = (*root)->usage.storage;
      item["messages"] = (*root)->usage.messages;
      item["storage_limit_kib"] = limits.storage_kib ? json(*limits.storage_kib) : json(nullptr);
      item["messages_limit"] = limits.messages ? json(*limits.messages) : json(nullptr);
    }
    console.json(item);
    return kAllWell;
  }
  if (!*root) {
    console.line("mailbox " + name.intname() + ": no quota");
    return kAllWell;
  }
  console.line("quota root " + (*root)->name + ": " +
               use_text(((*root)->usage.storage + 1023) / 1024, (*root)->limits.storage_kib) + " KiB, " +
               use_text((*root)->usage.messages, (*root)->limits.messages) + " messages");
  return kAllWell;
}

base::Result<int> run_quota(const Arguments& arguments, Console& console) {
  const bool sets = arguments.has("storage") || arguments.has("messages");
  if (sets && arguments.has("remove")) return fail_with(EX_USAGE, "--remove: sets no limit");
  return with_mailbox(arguments, console,
                      [&](MailboxAdmin& admin, const cyrus::MailboxName& name) -> base::Result<int> {
                        if (arguments.has("remove")) {
                          const auto removed = patiently(admin, [&] { return admin.remove_quota(name); });
                          if (!removed) return tl::unexpected(removed.error());
                        } else if (sets) {
                          const auto now = patiently(admin, [&] { return admin.quota_of(name); });
                          if (!now) return tl::unexpected(now.error());
                          // What is not named stays, if the mailbox has a root of its own.
                          cyrus::QuotaLimits limits;
                          if (*now && (*now)->name == name.intname()) limits = (*now)->limits;
                          if (arguments.has("storage")) {
                            const auto limit = limit_of("storage", arguments.value("storage"), 'K');
                            if (!limit) return tl::unexpected(limit.error());
                            limits.storage_kib = *limit;
                          }
                          if (arguments.has("messages")) {
                            const auto limit = limit_of("messages", arguments.value("messages"), 'B');
                            if (!limit) return tl::unexpected(limit.error());
                            limits.messages = *limit;
                          }
                          const auto set = patiently(admin, [&] { return admin.set_quota(name, limits); });
                          if (!set) return tl::unexpected(set.error());
                        }
                        return show_quota(admin, name, arguments.has("json"), console);
                      });
}

constexpr OperandSpec kName{"NAME", 1, 1};

}  // namespace

std::vector<Command> mailbox_commands() {
  return {
      {"mailbox create",
       kName,
       "create the INBOX of a user, or a folder",
       "Creates a mailbox as Cyrus does: with all rights for its owner, or those of the folder above. A NAME is USER, "
       "USER+FOLDER, or an internal name such as user.ann.sub. On an empty site the store is made first.",
       {{"partition", "NAME", "where it lives (default: as its parent, else defaultpartition)"}},
       {{"mailbox create alice", "alice's INBOX"}, {"mailbox create alice+Archive/2026", "a folder below it"}},
       &run_create},
      {"mailbox list",
       {},
       "list mailboxes",
       "Lists the mailboxes of this server by their internal names.",
       {{"user", "USER", "only those of one user"},
        {"counts", "", "with messages, unseen ones and octets"},
        {"all", "", "also deleted ones and names without a mailbox"},
        {"json", "",
         "print one JSON document: mailboxes (name, state, user, uniqueid, partition, uidvalidity, acl, and "
         "with --counts messages, unseen, octets)"}},
       {{"mailbox list --user alice --counts", "how much mail alice has, and where"}},
       &run_list},
      {"mailbox info",
       kName,
       "show what the store says of a mailbox",
       "Shows where a mailbox is, and what its index counts.",
       {{"json", "", "print one JSON document"}},
       {{"mailbox info alice", "alice's INBOX"}},
       &run_info},
      {"mailbox delete",
       kName,
       "delete a mailbox, with its mail if delete_mode is immediate",
       "Deletes a mailbox as the option delete_mode says. delayed, the default: it is renamed below the deletedprefix, "
       "and cyr_expire removes it later. immediate: its mail is gone at once. An INBOX goes with all folders, "
       "subscriptions and quota roots of its user. A folder with folders below is refused. The user can still log in: "
       "see 'user delete'.",
       {},
       {{"mailbox delete alice+Archive", "one folder"}, {"mailbox delete alice", "everything that alice has"}},
       &run_delete},
      {"mailbox quota",
       kName,
       "show or change what a mailbox and those below may hold",
       "Without options shows the quota root that counts a mailbox. With limits, makes the mailbox a quota root of its "
       "own "
       "and counts what is there; a limit that is not named stays. --remove takes the root away.",
       {{"storage", "SIZE", "limit in KiB, or with K, M or G; 'none'"},
        {"messages", "NUMBER", "limit of messages; 'none'"},
        {"remove", "", "no limits any more, and nothing counted"},
        {"json", "", "print one JSON document: mailbox, quota_root, usage and limits"}},
       {{"mailbox quota alice --storage 512M --messages none", "half a GiB"},
        {"mailbox quota alice", "how full it is"}},
       &run_quota},
  };
}

}  // namespace tools
