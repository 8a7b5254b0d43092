#pragma once

#include "base/result.hpp"
#include "cyrus/snapshot.hpp"
#include "maildrop/maildrop.hpp"

namespace cyrus {

/// Carries out what a session asked for at QUIT, on the mailbox of its snapshot. The one place that changes a mailbox
/// for POP3.
///
/// As long as cyrus.index is not written: succeeds when nothing is to be deleted, changing nothing; otherwise deletes
/// nothing and fails. Blocks: worker pool only. Errors: as maildrop::Mailbox::update(), and unsupported.
base::Result<maildrop::UpdateReport> update_mailbox(const SnapshotIdentity& identity, const maildrop::Update& changes);

}  // namespace cyrus
