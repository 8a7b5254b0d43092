#include "cyrus/update.hpp"

namespace cyrus {

base::Result<maildrop::UpdateReport> update_mailbox(const SnapshotIdentity& identity, const maildrop::Update& changes) {
  if (changes.deleted.empty()) return maildrop::UpdateReport{};
  // RFC 1939 s6: QUIT must not be answered +OK when messages marked as deleted remain.
  return base::fail(base::Errc::unsupported, "mailbox " + identity.name.intname() + ": " +
                                                 std::to_string(changes.deleted.size()) +
                                                 " deletions not carried out: this version does not write cyrus.index");
}

}  // namespace cyrus
