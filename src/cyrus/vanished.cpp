#include "cyrus/vanished.hpp"

#include "cyrus/index_reader.hpp"
#include "cyrus/open_mailbox.hpp"

namespace cyrus {

bool has_vanished(const SnapshotIdentity& identity, const StoreConfig& config, const MailboxList& mailboxes) {
  const auto mailbox = open_mailbox(identity.name, config, mailboxes, base::LockMode::shared);
  if (!mailbox) return mailbox.error().code == base::Errc::not_found;
  // Records of 3.4 and older have no uniqueid; the uidvalidity must do.
  if (!mailbox->record.uniqueid.empty() && mailbox->record.uniqueid != identity.uniqueid) return true;
  const auto index = IndexReader::open(mailbox->locks.index_fd(), identity.name.intname());
  if (!index) return false;
  return index->header().has_option(option_bit::kDeleted) || index->header().uidvalidity != identity.uidvalidity;
}

}  // namespace cyrus
