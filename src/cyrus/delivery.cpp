#include "cyrus/delivery.hpp"

#include "base/ascii.hpp"
#include "base/word_list.hpp"
#include "cyrus/acl.hpp"
#include "cyrus/append.hpp"
#include "cyrus/deliver_db.hpp"
#include "cyrus/mailbox_admin.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/mailbox_header.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/quota_room.hpp"
#include "cyrus/sieve_script.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

// Whom access lists call somebody who did not say who it is.
constexpr std::string_view kNobody = "anonymous";

/// Whether a message that cannot come into a folder still can into INBOX. A folder that is damaged or full need not
/// hold it up; a lock or a disk does.
bool is_for_inbox(Errc code) { return code != Errc::busy && code != Errc::io && code != Errc::would_block; }

// Cyrus: alike in names under lmtp_fuzzy_mailbox_match.
constexpr std::string_view kBlanks = "- _";

bool is_like(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    if (kBlanks.find(x) != kBlanks.npos) return kBlanks.find(y) != kBlanks.npos;
    return base::ascii::equal_ignoring_case({&x, 1}, {&y, 1});
  });
}

/// Whether a folder is `wanted`, or above it, by names nearly alike. Both are of the same user.
bool leads_to(const MailboxName& folder, const MailboxName& wanted) {
  const auto& from = folder.components();
  const auto& to = wanted.components();
  if (from.size() > to.size()) return false;
  return std::equal(from.begin(), from.end(), to.begin(), is_like);
}

}  // namespace

class Delivery::Impl {
 public:
  Impl(StoreConfig store_config, const base::Log& delivery_log)
      : config_(std::move(store_config)),
        mailboxes_(config_),
        admin_(config_, delivery_log),
        duplicates_(config_),
        log_(delivery_log) {}

  base::Result<Recipient> check(const DeliveryRequest& request, std::uint64_t octets) {
    if (request.user.empty()) return check_shared(request, octets);
    auto inbox = find_inbox(request);
    if (!inbox && inbox.error().code == Errc::not_found && request.may_create) {
      const auto made = admin_.autocreate_inbox(request.user, AutocreateFor::delivery);
      // A failure is in the log; what the sender hears is that there is no such user.
      if (!made && made.error().code == Errc::busy) return tl::unexpected(made.error());
      if (made && *made) inbox = find_inbox(request);
    }
    if (!inbox) return tl::unexpected(std::move(inbox.error()));
    if (auto room = check_room(*inbox, request, octets); !room) return tl::unexpected(std::move(room.error()));
    Recipient recipient{inbox->name, inbox->partition, false};
    if (request.folder.empty()) return recipient;
    const auto folder = find_folder(request);
    if (!folder && folder.error().code == Errc::busy) return tl::unexpected(folder.error());
    if (folder) return Recipient{folder->name, folder->partition, false};
    recipient.into_inbox = true;
    return recipient;
  }

  base::Result<Delivered> deliver(const StagedMessage& message, const DeliveryRequest& request) {
    if (request.user.empty()) {
      const auto shared = find_shared(request);
      if (!shared) return tl::unexpected(shared.error());
      AppendOptions options = options_of(request);
      options.poster = poster_of(request);
      return append(shared->name, message, options, false);
    }
    const auto inbox = find_inbox(request);
    if (!inbox) return tl::unexpected(inbox.error());
    AppendOptions options = options_of(request);
    if (!request.folder.empty()) {
      const auto folder = find_folder(request);
      options.poster = poster_of(request);
      auto delivered = folder ? append(folder->name, message, options, false) : tl::unexpected(folder.error());
      if (delivered || !is_for_inbox(delivered.error().code)) return delivered;
      log_.info(delivered.error().text + "; the message goes to INBOX");
    }
    options.poster.reset();
    return append(inbox->name, message, options, !request.folder.empty());
  }

 private:
  AppendOptions options_of(const DeliveryRequest& request) {
    AppendOptions options;
    options.session_id = request.session_id;
    options.ignore_quota = request.ignore_quota;
    options.duplicates = &duplicates_;
    return options;
  }

  static std::string poster_of(const DeliveryRequest& request) {
    return request.sender.empty() ? std::string(kNobody) : request.sender;
  }

  base::Result<Recipient> check_shared(const DeliveryRequest& request, std::uint64_t octets) const {
    const auto record = find_shared(request);
    if (!record) return tl::unexpected(record.error());
    const std::string poster = poster_of(request);
    if (!rights_of(poster, record->acl, "").post) {
      return base::fail(Errc::permission,
                        "mailbox " + record->name.intname() + ": " + poster + " has no right to post there");
    }
    if (auto room = check_room(*record, request, octets); !room) return tl::unexpected(std::move(room.error()));
    return Recipient{record->name, record->partition, false};
  }

  base::Result<void> check_room(const MailboxRecord& mailbox, const DeliveryRequest& request,
                                std::uint64_t octets) const {
    if (request.ignore_quota) return {};
    const std::string what = "mailbox " + mailbox.name.intname();
    // Not under the locks of the mailbox, which are held by whoever delivers to it just now: cyrus.header and the
    // quota file are replaced as a whole, and deliver() asks again.
    const auto paths = MailboxPaths::of(mailbox, config_);
    // A partition that imapd.conf has lost: the mailbox is there, and the mail can wait.
    if (!paths) return base::fail(Errc::corrupt, what + ": " + paths.error().text);
    const auto header = read_mailbox_header(*paths, what);
    if (!header) return tl::unexpected(header.error());
    const auto room = check_quota_room(header->quota_root, QuotaNeed{octets}, config_);
    if (!room) return tl::unexpected(base::Error{room.error().code, what + ": " + room.error().text});
    return {};
  }

  /// The folder of the user that a message is for. Errors: not_found, permission and others that leave INBOX; busy; io.
  base::Result<MailboxRecord> find_folder(const DeliveryRequest& request) const {
    const auto name = MailboxName::of_user(request.user, request.folder, config_);
    if (!name) return base::fail(name.error().code, "folder " + request.folder + ": " + name.error().text);
    auto record = mailboxes_.find(*name);
    if (record) {
      const auto usable = check_usable(*record, "mailbox " + name->intname());
      if (!usable) record = tl::unexpected(usable.error());
    }
    if (!record && record.error().code == Errc::not_found && request.fuzzy_folder) record = nearest_folder(*name);
    if (!record) return record;
    if (auto fine = check_special_use(*record); !fine) return tl::unexpected(std::move(fine.error()));
    return record;
  }

  /// Of the folders that `wanted` is or could be below, the deepest one; the first in order of several.
  base::Result<MailboxRecord> nearest_folder(const MailboxName& wanted) const {
    std::optional<MailboxRecord> nearest;
    const auto walked = mailboxes_.for_each_below(wanted.inbox(), [&](base::Result<MailboxRecord> record) {
      if (!record || !record->usable() || !leads_to(record->name, wanted)) return true;
      if (!nearest || nearest->name.components().size() < record->name.components().size())
        nearest = *std::move(record);
      return nearest->name.components().size() < wanted.components().size();
    });
    if (!walked) return tl::unexpected(walked.error());
    if (!nearest) return base::fail(Errc::not_found, "mailbox " + wanted.intname() + ": none that is near it");
    return *std::move(nearest);
  }

  base::Result<void> check_special_use(const MailboxRecord& folder) const {
    // Another form is not read; `config check` says so.
    if (config_.excluded_special_uses.empty() || config_.annotation_backend != "twoskip") return {};
    const auto uses = special_use_of(folder.uniqueid, config_);
    if (!uses) {
      if (uses.error().code == Errc::busy) return tl::unexpected(uses.error());
      // The folder is there, and somebody has asked for it.
      log_.error("mailbox " + folder.name.intname() + ": special use: " + uses.error().text);
      return {};
    }
    std::string_view rest = *uses;
    while (!rest.empty()) {
      const std::string_view use = rest.substr(0, rest.find(' '));
      if (base::lists_realm(config_.excluded_special_uses, use)) {
        return base::fail(Errc::permission, "mailbox " + folder.name.intname() + ": is used for " + std::string(use) +
                                                ", and lmtp_exclude_specialuse says that");
      }
      rest.remove_prefix(std::min(rest.size(), use.size() + 1));
    }
    return {};
  }

  base::Result<MailboxRecord> find_shared(const DeliveryRequest& request) const {
    const auto name = MailboxName::of_shared(request.folder, request.domain, config_);
    if (!name) return base::fail(name.error().code, "shared mailbox " + request.folder + ": " + name.error().text);
    return find_for_mail(*name);
  }

  /// A mailbox that can be written to.
  base::Result<MailboxRecord> find_for_mail(const MailboxName& name) const {
    const std::string what = "mailbox " + name.intname();
    auto record = mailboxes_.find(name);
    if (!record) {
      if (record.error().code == Errc::limit) record.error().code = Errc::corrupt;  // `limit` is: over quota
      if (!record.error().text.starts_with(what)) record.error().text = what + ": " + record.error().text;
      return record;
    }
    if (const auto usable = check_usable(*record, what); !usable) return tl::unexpected(usable.error());
    if (config_.read_only) return base::fail(Errc::unsupported, what + ": imapd.conf says readonly");
    if (config_.conversations) {
      return base::fail(Errc::unsupported, what +
                                               ": nothing can be delivered: imapd.conf says conversations, whose "
                                               "database this version does not write");
    }
    return record;
  }

  /// The INBOX of the user, if mail may go to this user at all.
  base::Result<MailboxRecord> find_inbox(const DeliveryRequest& request) const {
    const auto name = MailboxName::of_user(request.user, "", config_);
    if (!name) return base::fail(name.error().code, "recipient " + request.user + ": " + name.error().text);
    auto record = find_for_mail(*name);
    if (!record) return record;
    if (!config_.lmtp_ignore_sieve && has_active_script(*record, config_)) {
      return base::fail(Errc::unsupported, "mailbox " + name->intname() + ": the user has an active Sieve script, " +
                                               active_script_path(*record, config_).native() +
                                               ", and scripts are not run here (lmtp_ignore_sieve)");
    }
    return record;
  }

  base::Result<Delivered> append(const MailboxName& name, const StagedMessage& message, const AppendOptions& options,
                                 bool into_inbox) const {
    const auto appended = append_message(name, message, options, config_, mailboxes_, log_);
    if (!appended) return tl::unexpected(appended.error());
    const MessageFacts& facts = message.facts();
    if (appended->duplicate) {
      log_.info("dupelim: eliminated duplicate message to " + name.intname() + " id " + facts.message_id + " date " +
                facts.date + " (delivery)");
    } else {
      log_.info("Delivered: " + facts.message_id + " to mailbox: " + name.intname());
    }
    return Delivered{name, appended->uidvalidity, appended->uid, appended->duplicate, into_inbox};
  }

  const StoreConfig config_;
  const MailboxList mailboxes_;
  MailboxAdmin admin_;
  DeliverDb duplicates_;
  const base::Log& log_;
};

Delivery::Delivery(StoreConfig config, const base::Log& log) : impl_(std::make_unique<Impl>(std::move(config), log)) {}
Delivery::~Delivery() = default;

base::Result<Recipient> Delivery::check_recipient(const DeliveryRequest& request, std::uint64_t octets) const {
  return impl_->check(request, octets);
}

base::Result<Delivered> Delivery::deliver(const StagedMessage& message, const DeliveryRequest& request) const {
  return impl_->deliver(message, request);
}

}  // namespace cyrus
