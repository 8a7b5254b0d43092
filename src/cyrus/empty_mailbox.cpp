#include "cyrus/empty_mailbox.hpp"

#include "base/file_io.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/status_cache.hpp"

#include <fcntl.h>

namespace cyrus {

std::optional<Rights> rights_in_empty_mailbox(const MailboxName& name, const StoreConfig& config,
                                              const MailboxList& mailboxes) {
  if (!config.statuscache) return std::nullopt;
  const auto status = read_status(config, name);
  if (!status || !*status || (*status)->exists != 0) return std::nullopt;

  const auto record = mailboxes.find(name);
  if (!record || !record->usable()) return std::nullopt;
  Rights rights{true, true, true};
  if (config.pop_use_acl) rights = rights_of(name.userid(), record->acl, config.implicit_owner_rights);
  if (!rights.read) return std::nullopt;

  const auto paths = MailboxPaths::of(*record, config);
  if (!paths) return std::nullopt;
  const auto file = base::open_file(paths->file(MetaFile::index), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::nullopt;
  // Without its lock the header may be torn by a writer: its CRC is wrong then.
  const auto index = IndexReader::open(file->value(), name.intname());
  if (!index) return std::nullopt;
  const IndexHeader& header = index->header();
  const StatusEntry& entry = **status;
  const bool is_true = header.exists == 0 && header.uidvalidity == entry.uidvalidity &&
                       std::uint64_t{header.last_uid} + 1 == entry.uidnext &&
                       header.highestmodseq == entry.highestmodseq && !header.has_option(option_bit::kDeleted);
  if (!is_true) return std::nullopt;
  return rights;
}

}  // namespace cyrus
