#pragma once

#include "base/result.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/index_writer.hpp"
#include "cyrus/mailbox_header.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/mailbox_record.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Making the directory of a mailbox, and changing what its cyrus.header says.
namespace cyrus {

/// Index version of new mailboxes: what 3.4 to 3.8 write, and every later release reads.
inline constexpr std::uint32_t kNewIndexVersion = 17;

/// cyrus.index of a mailbox without messages: `header` of version kNewIndexVersion, whose minor_version, sizes and CRC
/// are filled in here. Pure.
std::vector<unsigned char> encode_new_index(IndexHeader header);

/// Makes directories, cyrus.header and cyrus.index of a new mailbox, durable with all names. `locks` has the user and
/// name lock of it, exclusive; the index lock is added. `annotation_octets` count as those of its annotations. What a
/// broken-off attempt left there is overwritten, but not a directory that has messages: Errc::corrupt. Blocks on disk.
/// Errors: busy; corrupt; permission; io.
base::Result<void> make_mailbox_files(MailboxLock& locks, const MailboxRecord& record, const std::string& quota_root,
                                      std::uint32_t options, std::uint64_t annotation_octets,
                                      const MailboxPaths& paths);

/// Removes what make_mailbox_files() has made, as far as it can be removed. Never a message.
void remove_mailbox_files(const MailboxPaths& paths) noexcept;

/// Changes cyrus.header and the index header that knows its CRC, under the exclusive index lock; with `bump_modseq`
/// also highestmodseq, by one. Blocks on disk. Errors: corrupt; permission; io. After a failure the old text is
/// put back; after a crash between the two the CRC does not match, which is a warning for every Cyrus, and repaired by
/// its next change.
base::Result<void> rewrite_mailbox_header(IndexWriter& index, const MailboxPaths& paths,
                                          const MailboxHeaderChange& change, bool bump_modseq, const std::string& what);

}  // namespace cyrus
