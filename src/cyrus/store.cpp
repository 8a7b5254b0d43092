#include "cyrus/store.hpp"

#include "cyrus/empty_mailbox.hpp"
#include "cyrus/mailbox_admin.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/message_file.hpp"
#include "cyrus/snapshot.hpp"
#include "cyrus/uidl.hpp"
#include "cyrus/update.hpp"
#include "cyrus/vanished.hpp"
#include "cyrus/wire_sizes.hpp"
#include "maildrop/wire_octets.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cyrus {

/// What the store and the maildrops it opened use together; lives as long as the last of them.
class Store::Shared {
 public:
  Shared(StoreConfig store_config, const base::Log& store_log)
      : config(std::move(store_config)), mailboxes(config), log(store_log), admin(config, store_log) {}

  const StoreConfig config;
  const MailboxList mailboxes;
  const base::Log& log;
  mutable MailboxAdmin admin;  // has no state of its own
};

namespace {

/// Opens the file of a message of `octets`, wherever it is now.
base::Result<std::unique_ptr<maildrop::Message>> open_message(const SnapshotIdentity& mailbox,
                                                              const std::string& data_directory,
                                                              const std::string& archive_directory, maildrop::Uid uid,
                                                              std::uint64_t octets, maildrop::Access access) {
  const std::string what = "mailbox " + mailbox.name.intname();
  auto message = open_message_file(data_directory + '/' + message_file_name(uid), octets, access, what);
  // Which of the two places holds a file changes during a session, and a scan listing of 16 bytes a message does not
  // remember the ARCHIVED flag. Files only move from here to there, so looking in this order finds them.
  if (message || message.error().code != base::Errc::not_found || archive_directory.empty()) return message;
  return open_message_file(archive_directory + '/' + message_file_name(uid), octets, access, what);
}

/// Reads a message for the number of octets that it has on the wire. Blocks on disk.
base::Result<std::uint64_t> octets_on_the_wire(const Snapshot& snapshot, const maildrop::Entry& entry) {
  auto message = open_message(snapshot.identity, snapshot.data_directory, snapshot.archive_directory, entry.uid,
                              entry.octets, maildrop::Access::may_block);
  if (!message) return tl::unexpected(message.error());
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>((*message)->size(), 64 * 1024)), '\0');
  maildrop::WireOctets octets;
  for (std::uint64_t offset = 0; offset < (*message)->size();) {
    const auto got = (*message)->read(piece, offset, maildrop::Access::may_block);
    if (!got) return tl::unexpected(got.error());
    octets.add(std::string_view(piece).substr(0, *got));
    offset += *got;
  }
  return octets.octets();
}

/// A mailbox as one POP3 session holds it between login and QUIT: strings only, so that ten thousand idle sessions cost
/// no descriptors.
class SessionMailbox final : public maildrop::Mailbox {
 public:
  /// `surplus`: the listed messages whose octets are not those of their file, ascending by uid.
  SessionMailbox(std::shared_ptr<const Store::Shared> shared, Snapshot snapshot, std::vector<Surplus> surplus)
      : shared_(std::move(shared)),
        surplus_(std::move(surplus)),
        identity_(std::move(snapshot.identity)),
        uidl_(snapshot.uidl),
        rights_(snapshot.rights),
        data_directory_(std::move(snapshot.data_directory)),
        archive_directory_(std::move(snapshot.archive_directory)) {}

  void append_unique_id(maildrop::Uid uid, std::string& to) const override { cyrus::append_unique_id(uidl_, uid, to); }

  base::Result<std::unique_ptr<maildrop::Message>> open(maildrop::Uid uid, std::uint64_t octets,
                                                        maildrop::Access access) override {
    return open_message(identity_, data_directory_, archive_directory_, uid, file_octets(uid, octets), access);
  }

  base::Result<maildrop::UpdateReport> update(const maildrop::Update& changes) override {
    if (surplus_.empty()) {
      return update_mailbox(identity_, rights_, changes, shared_->config, shared_->mailboxes, shared_->log);
    }
    maildrop::Update in_files = changes;
    for (std::size_t i = 0; i < in_files.deleted_octets.size(); ++i) {
      in_files.deleted_octets[i] = file_octets(in_files.deleted[i], in_files.deleted_octets[i]);
    }
    return update_mailbox(identity_, rights_, in_files, shared_->config, shared_->mailboxes, shared_->log);
  }

  bool may_delete() const override { return rights_.delete_messages; }

  bool is_gone() override { return has_vanished(identity_, shared_->config, shared_->mailboxes); }

 private:
  std::uint64_t file_octets(maildrop::Uid uid, std::uint64_t listed) const {
    const auto found = std::ranges::lower_bound(surplus_, uid, {}, &Surplus::uid);
    return found != surplus_.end() && found->uid == uid ? listed - found->octets : listed;
  }

  std::shared_ptr<const Store::Shared> shared_;
  std::vector<Surplus> surplus_;
  SnapshotIdentity identity_;
  UidlRule uidl_;
  Rights rights_;
  std::string data_directory_;
  std::string archive_directory_;
};

/// A mailbox without messages that nobody has opened, and that QUIT does not open either.
class UnopenedMailbox final : public maildrop::Mailbox {
 public:
  explicit UnopenedMailbox(const Rights& rights) : may_delete_(rights.delete_messages) {}

  void append_unique_id(maildrop::Uid /*uid*/, std::string& /*to*/) const override {}
  base::Result<std::unique_ptr<maildrop::Message>> open(maildrop::Uid /*uid*/, std::uint64_t /*octets*/,
                                                        maildrop::Access /*access*/) override {
    return base::fail(base::Errc::not_found, "the maildrop is empty");
  }
  base::Result<maildrop::UpdateReport> update(const maildrop::Update& /*changes*/) override {
    return maildrop::UpdateReport{};
  }
  bool may_delete() const override { return may_delete_; }

 private:
  bool may_delete_;
};

/// Cyrus's words.
std::unique_ptr<maildrop::Maildrop> unopened_maildrop(const std::string& user, const Rights& rights,
                                                      const base::Log& log) {
  log.info("optimized mode for empty maildrop: " + user);
  return std::make_unique<maildrop::Maildrop>(std::make_unique<UnopenedMailbox>(rights),
                                              std::vector<maildrop::Entry>());
}

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
  if (const auto rights = rights_in_empty_mailbox(*mailbox, shared_->config, shared_->mailboxes)) {
    return unopened_maildrop(name.user, *rights, shared_->log);
  }
  auto snapshot = take_snapshot(*mailbox, shared_->config, shared_->mailboxes, shared_->log, seconds_since_1970());
  if (!snapshot && snapshot.error().code == base::Errc::not_found && *mailbox == mailbox->inbox()) {
    const auto made = shared_->admin.autocreate_inbox(name.user, AutocreateFor::login);
    // A failure is in the log; what the client hears is that it has no maildrop.
    if (!made && made.error().code == base::Errc::busy) return tl::unexpected(made.error());
    if (made && *made) {
      snapshot = take_snapshot(*mailbox, shared_->config, shared_->mailboxes, shared_->log, seconds_since_1970());
    }
  }
  if (!snapshot) return tl::unexpected(snapshot.error());
  if (snapshot->is_unopened) return unopened_maildrop(name.user, snapshot->rights, shared_->log);
  auto entries = std::move(snapshot->entries);
  auto surplus = list_wire_octets(*snapshot, entries);
  return std::make_unique<maildrop::Maildrop>(
      std::make_unique<SessionMailbox>(shared_, std::move(*snapshot), std::move(surplus)), std::move(entries));
}

std::vector<Surplus> Store::list_wire_octets(const Snapshot& snapshot, std::vector<maildrop::Entry>& entries) const {
  const auto file = wire_sizes_path(shared_->config.config_directory, snapshot.identity.uniqueid);
  WireSizes sizes = load_wire_sizes(file, snapshot.identity.uidvalidity);
  const auto measure = [&snapshot](const maildrop::Entry& entry) { return octets_on_the_wire(snapshot, entry); };
  if (measure_new_messages(entries, sizes, {}, measure) && !shared_->config.read_only) {
    // Not being able to keep what was found only means to read the same messages again at the next login.
    if (const auto saved = save_wire_sizes(file, sizes); !saved) shared_->log.info(saved.error().text);
  }
  return add_surplus(entries, sizes);
}

std::string Store::internal_name(const MaildropName& name) const {
  const auto mailbox = MailboxName::of_user(name.user, name.subfolder, shared_->config);
  if (mailbox) return mailbox->intname();
  return name.subfolder.empty() ? name.user : name.user + '+' + name.subfolder;
}

}  // namespace cyrus
