// MailboxAdmin::autocreate_inbox(). Log lines are in Cyrus's words: sites look for them.

#include "base/word_list.hpp"
#include "cyrus/acl.hpp"
#include "cyrus/mailbox_admin.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/quota_assignment.hpp"
#include "cyrus/user_files.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <optional>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = piece.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    piece = piece.substr(first, piece.find_last_not_of(" \t") - first + 1);
    pieces.emplace_back(piece);
  }
  return pieces;
}

// A name service that hangs must leave threads of the pool to everybody else.
constexpr int kMaxGroupLookups = 2;

/// Counts those who ask the name service.
class GroupLookup {
 public:
  explicit GroupLookup(std::atomic<int>& count) : count_(count), is_one_of_few_(++count <= kMaxGroupLookups) {}
  ~GroupLookup() { --count_; }
  GroupLookup(const GroupLookup&) = delete;
  GroupLookup& operator=(const GroupLookup&) = delete;

  bool is_one_of_few() const { return is_one_of_few_; }

 private:
  std::atomic<int>& count_;
  bool is_one_of_few_;
};

bool has_groups(std::string_view list) { return list.find("group:") != std::string_view::npos; }

/// What comes with a new INBOX. Each step on its own: one that fails leaves the others.
class Extras {
 public:
  Extras(MailboxLock& locks, const MailboxRecord& inbox, const StoreConfig& config, const MailboxList& mailboxes,
         const base::Log& log)
      : locks_(locks),
        inbox_(inbox),
        config_(config),
        mailboxes_(mailboxes),
        log_(log),
        who_("autocreateinbox: User " + inbox.name.userid() + ", ") {}

  void make() {
    set_quota();
    subscriptions_.push_back(inbox_.name);
    const auto subscribed = split(config_.autocreate.subscribe_folders, "|");
    for (const std::string& folder : split(config_.autocreate.inbox_folders, "|")) {
      const auto name = make_folder(folder);
      if (name && std::ranges::count(subscribed, folder) != 0) subscriptions_.push_back(*name);
    }
    subscribe_shared_folders();
    report("subscriptions", retrying([&] { return subscribe(inbox_, subscriptions_, config_); }));
    if (config_.autocreate.sieve_script) log_.warning(who_ + "autocreate_sieve_script is not carried out");
  }

 private:
  /// The INBOX is there: nobody calls again because of these.
  template <class Step>
  auto retrying(const Step& step) -> decltype(step()) {
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
      auto done = step();
      if (done || done.error().code != Errc::busy || attempt == kAttempts) return done;
    }
  }

  void report(const std::string& what, const base::Result<void>& done) const {
    if (!done) log_.error(who_ + what + " failed. " + done.error().text);
  }

  void set_quota() {
    const AutocreateOptions& options = config_.autocreate;
    QuotaLimits limits;
    if (options.quota_kib > 0) limits.storage_kib = static_cast<std::uint64_t>(options.quota_kib);
    if (options.quota_messages > 0) limits.messages = static_cast<std::uint64_t>(options.quota_messages);
    report("QUOTA", retrying([&] { return set_quota_locked(locks_, inbox_.name, limits, config_, mailboxes_); }));
  }

  std::optional<MailboxName> make_folder(const std::string& folder) {
    const auto name = MailboxName::of_user(inbox_.name.userid(), folder, config_);
    auto made = name ? create(folder, *name) : base::Result<MailboxRecord>(tl::unexpected(name.error()));
    if (!made) {
      log_.warning(who_ + "subfolder " + folder + " creation failed. " + made.error().text);
      return std::nullopt;
    }
    log_.notice(who_ + "subfolder " + folder + " creation succeeded.");
    return *name;
  }

  base::Result<MailboxRecord> create(const std::string& folder, const MailboxName& name) {
    CreateOptions options;
    options.acl = acl_of(folder);
    const auto use = config_.autocreate.special_uses.find(folder);
    if (use != config_.autocreate.special_uses.end()) options.special_use = use->second;
    const auto make = [&] { return create_mailbox_locked(locks_, name, options, config_, log_); };
    auto made = retrying(make);
    if (made || options.special_use.empty()) return made;
    log_.warning("autocreate: failed to set specialuse " + options.special_use + " for " + name.intname() + ": " +
                 made.error().text);
    options.special_use.clear();
    return retrying(make);
  }

  /// The access list of a folder: the owner's, and what autocreate_acl says, "FOLDER IDENTIFIER RIGHTS" and again.
  /// Empty: as usual.
  std::vector<AclEntry> acl_of(const std::string& folder) const {
    std::vector<AclEntry> acl;
    const auto words = split(config_.autocreate.acl, " \t");
    for (std::size_t i = 0; i + 2 < words.size(); i += 3) {
      if (words[i] != folder) continue;
      const auto rights = stored_rights(words[i + 2]);
      if (!rights) {
        log_.warning("autocreate_acl " + folder + ": ignoring invalid rights string '" + words[i + 2] + "'");
        continue;
      }
      if (acl.empty()) acl.push_back({inbox_.name.userid(), std::string(kAllRights)});
      const auto entry = std::ranges::find(acl, words[i + 1], &AclEntry::identifier);
      if (entry != acl.end()) {
        entry->rights = *rights;
      } else {
        acl.push_back({words[i + 1], *rights});
      }
    }
    return acl;
  }

  /// Whether the user may see a mailbox, as far as an access list without groups can tell.
  bool may_see(const MailboxRecord& mailbox) const {
    return mailbox.usable() && rights_of(inbox_.name.userid(), mailbox.acl, "").look_up;
  }

  void subscribe_shared_folders() {
    if (config_.autocreate.subscribe_all_shared_folders) {
      const auto done = retrying([&] {
        std::vector<MailboxName> shared;
        const auto walked = mailboxes_.for_each([&](base::Result<MailboxRecord> record) {
          // One that cannot be read is not this user's to mind.
          if (record && is_shared_here(record->name) && may_see(*record)) shared.push_back(record->name);
          return true;
        });
        if (walked) std::ranges::move(shared, std::back_inserter(subscriptions_));
        return walked;
      });
      return report("subscriptions to shared folders", done);
    }
    // Cyrus: by their internal names, whatever users see.
    for (const std::string& folder : split(config_.autocreate.subscribe_shared_folders, "|")) {
      const auto name = MailboxName::from_intname(folder);
      if (!name || !is_shared_here(*name)) continue;
      const auto record = retrying([&] { return mailboxes_.find(*name); });
      if (!record) {
        if (record.error().code == Errc::not_found) continue;
        log_.warning("autosubscribe: User " + inbox_.name.userid() + " to folder " + name->intname() +
                     ", subscription failed: " + record.error().text);
      } else if (may_see(*record)) {
        subscriptions_.push_back(*name);
      }
    }
  }

  bool is_shared_here(const MailboxName& name) const {
    const std::string& top = name.components().front();
    return top != "user" && top != config_.deleted_prefix && name.domain() == inbox_.name.domain();
  }

  MailboxLock& locks_;
  const MailboxRecord& inbox_;
  const StoreConfig& config_;
  const MailboxList& mailboxes_;
  const base::Log& log_;
  const std::string who_;
  std::vector<MailboxName> subscriptions_;
};

}  // namespace

base::Result<bool> MailboxAdmin::may_autocreate(const std::string& userid) {
  if (userid == "anonymous") return false;
  const std::string& users = config_.autocreate.users;
  const bool is_asked = config_.unix_groups && (has_groups(config_.admins) || has_groups(users));
  if (!is_asked) return !base::lists_user(config_.admins, userid, false) && base::lists_user(users, userid, false);
  const GroupLookup lookup(group_lookups_);
  if (!lookup.is_one_of_few()) return base::fail(Errc::busy, "groups of " + userid + ": the name service is busy");
  return !base::lists_user(config_.admins, userid, true) && base::lists_user(users, userid, true);
}

base::Result<bool> MailboxAdmin::autocreate_inbox(std::string_view userid, AutocreateFor reason) {
  const AutocreateOptions& options = config_.autocreate;
  if (!options.on() || (reason == AutocreateFor::delivery && !options.post)) return false;
  const auto may = may_autocreate(std::string(userid));
  if (!may || !*may) return may;
  const auto name = MailboxName::of_user(userid, "", config_);
  if (!name) return tl::unexpected(name.error());

  auto locks = MailboxLock::lock_user(*name, config_, base::LockMode::exclusive);
  if (!locks) return tl::unexpected(std::move(locks.error()));
  const auto found = mailboxes_.find(*name);
  if (found && !found->deleted && !found->intermediate) return false;
  if (!found && found.error().code != Errc::not_found) return tl::unexpected(found.error());
  const auto inbox = create_mailbox_locked(*locks, *name, {}, config_, log_);
  if (!inbox) {
    if (inbox.error().code != Errc::busy) {
      log_.error("autocreateinbox: User " + std::string(userid) + ", INBOX failed. " + inbox.error().text);
    }
    return tl::unexpected(inbox.error());
  }
  log_.notice("autocreateinbox: User " + std::string(userid) + ", INBOX was successfully created");
  Extras(*locks, *inbox, config_, mailboxes_, log_).make();
  return true;
}

}  // namespace cyrus
