#include "cyrus/store.hpp"

#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/message_file.hpp"
#include "cyrus/snapshot.hpp"
#include "cyrus/uidl.hpp"
#include "cyrus/update.hpp"

#include <chrono>
#include <utility>

namespace cyrus {

/// What the store and the maildrops it opened use together; lives as long as the last of them.
class Store::Shared {
 public:
  Shared(StoreConfig store_config, const base::Log& store_log)
      : config(std::move(store_config)), mailboxes(config), log(store_log) {}

  const StoreConfig config;
  const MailboxList mailboxes;
  const base::Log& log;
};

namespace {

/// A mailbox as one POP3 session holds it between login and QUIT: strings only, so that ten thousand idle sessions cost
/// no descriptors.
class SessionMailbox final : public maildrop::Mailbox {
 public:
  SessionMailbox(std::shared_ptr<const Store::Shared> shared, Snapshot snapshot)
      : shared_(std::move(shared)),
        identity_(std::move(snapshot.identity)),
        uidl_(snapshot.uidl),
        rights_(snapshot.rights),
        data_directory_(std::move(snapshot.data_directory)),
        archive_directory_(std::move(snapshot.archive_directory)) {}

  void append_unique_id(maildrop::Uid uid, std::string& to) const override { cyrus::append_unique_id(uidl_, uid, to); }

  base::Result<std::unique_ptr<maildrop::Message>> open(maildrop::Uid uid, std::uint64_t octets,
                                                        maildrop::Access access) override {
    const std::string what = "mailbox " + identity_.name.intname();
    auto message = open_message_file(data_directory_ + '/' + message_file_name(uid), octets, access, what);
    // Which of the two places holds a file changes during a session, and a scan listing of 16 bytes a message does not
    // remember the ARCHIVED flag. Files only move from here to there, so looking in this order finds them.
    if (message || message.error().code != base::Errc::not_found || archive_directory_.empty()) return message;
    return open_message_file(archive_directory_ + '/' + message_file_name(uid), octets, access, what);
  }

  base::Result<maildrop::UpdateReport> update(const maildrop::Update& changes) override {
    return update_mailbox(identity_, rights_, changes, shared_->config, shared_->mailboxes, shared_->log);
  }

  bool may_delete() const override { return rights_.delete_messages; }

 private:
  std::shared_ptr<const Store::Shared> shared_;
  SnapshotIdentity identity_;
  UidlRule uidl_;
  Rights rights_;
  std::string data_directory_;
  std::string archive_directory_;
};

std::uint64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace

Store::Store(StoreConfig config, const base::Log& log)
    : shared_(std::make_shared<const Shared>(std::move(config), log)) {}

Store::~Store() = default;

base::Result<std::unique_ptr<maildrop::Maildrop>> Store::open_maildrop(const MaildropName& name) {
  const auto mailbox = MailboxName::of_user(name.user, name.subfolder, shared_->config);
  if (!mailbox) {
    const base::Error& error = mailbox.error();
    return tl::unexpected(base::Error{error.code, "maildrop of " + name.user + ": " + error.text, error.errnum});
  }
  auto snapshot = take_snapshot(*mailbox, shared_->config, shared_->mailboxes, shared_->log, seconds_since_1970());
  if (!snapshot) return tl::unexpected(snapshot.error());
  auto entries = std::move(snapshot->entries);
  return std::make_unique<maildrop::Maildrop>(std::make_unique<SessionMailbox>(shared_, std::move(*snapshot)),
                                              std::move(entries));
}

std::string Store::internal_name(const MaildropName& name) const {
  const auto mailbox = MailboxName::of_user(name.user, name.subfolder, shared_->config);
  if (mailbox) return mailbox->intname();
  return name.subfolder.empty() ? name.user : name.user + '+' + name.subfolder;
}

}  // namespace cyrus
