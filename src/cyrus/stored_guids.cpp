#include "cyrus/stored_guids.hpp"

#include "cyrus/index_reader.hpp"
#include "cyrus/open_mailbox.hpp"

namespace cyrus {

base::Result<GuidCounts> read_stored_guids(const MailboxName& name, const StoreConfig& config,
                                           const MailboxList& mailboxes) {
  const auto mailbox = open_mailbox(name, config, mailboxes, base::LockMode::shared);
  if (!mailbox) return tl::unexpected(mailbox.error());
  const auto index = IndexReader::open(mailbox->locks.index_fd(), "mailbox " + name.intname() + ": cyrus.index");
  if (!index) return tl::unexpected(index.error());
  GuidCounts counts;
  const auto walked = index->for_each([&counts](const IndexRecord& record) -> base::Result<void> {
    ++counts[record.guid];
    return {};
  });
  if (!walked) return tl::unexpected(walked.error());
  return counts;
}

}  // namespace cyrus
