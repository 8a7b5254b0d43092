// MailboxAdmin::autocreate_inbox(). Log lines are in Cyrus's words: sites look for them.

#include "cyrus/mailbox_admin.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/quota_assignment.hpp"
#include "cyrus/user_files.hpp"

#include <algorithm>
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

bool has_word(std::string_view list, std::string_view word) {
  return std::ranges::count(split(list, " \t"), word) != 0;
}

/// The access list of a folder: the owner's, and what autocreate_acl says, "FOLDER IDENTIFIER RIGHTS" and again.
std::vector<AclEntry> acl_of(const std::string& folder, const std::string& userid, const StoreConfig& config) {
  std::vector<AclEntry> acl;
  const auto words = split(config.autocreate.acl, " \t");
  for (std::size_t i = 0; i + 2 < words.size(); i += 3) {
    if (words[i] != folder) continue;
    if (acl.empty()) acl.push_back({userid, std::string(kAllRights)});
    acl.push_back({words[i + 1], words[i + 2]});
  }
  return acl;
}

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
    report("subscriptions", retrying([&] { return subscribe(inbox_, subscriptions_, config_); }));
    if (config_.autocreate.sieve_script) log_.warning(who_ + "autocreate_sieve_script is not carried out");
    if (config_.autocreate.special_use) log_.warning(who_ + "xlist-FLAG is not carried out");
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
    auto made = name ? retrying([&] {
      return create_mailbox_locked(locks_, *name, {{}, acl_of(folder, inbox_.name.userid(), config_)}, config_, log_);
    })
                     : base::Result<MailboxRecord>(tl::unexpected(name.error()));
    if (!made) {
      log_.warning(who_ + "subfolder " + folder + " creation failed. " + made.error().text);
      return std::nullopt;
    }
    log_.notice(who_ + "subfolder " + folder + " creation succeeded.");
    return *name;
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

base::Result<bool> MailboxAdmin::autocreate_inbox(std::string_view userid, AutocreateFor reason) {
  const AutocreateOptions& options = config_.autocreate;
  if (!options.on() || (reason == AutocreateFor::delivery && !options.post)) return false;
  if (userid == "anonymous" || has_word(config_.admins, userid)) return false;
  if (!has_word(options.users, "anyone") && !has_word(options.users, userid)) return false;
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
