#include "faults/mailbox_look.hpp"

#include "base/file_io.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_paths.hpp"

#include <fcntl.h>
#include <filesystem>

namespace faults {

namespace fs = std::filesystem;

MailboxLook look_at(const cyrus::MaildropName& name, const cyrus::StoreConfig& config) {
  MailboxLook look;
  const auto fail = [&look](const std::string& text) {
    look.problem = text;
    return look;
  };
  const auto mailbox = cyrus::MailboxName::of_user(name.user, name.subfolder, config);
  if (!mailbox) return fail(mailbox.error().text);
  const auto record = cyrus::MailboxList(config).find(*mailbox);
  if (!record) return fail(record.error().text);
  const auto paths = cyrus::MailboxPaths::of(*record, config);
  if (!paths) return fail(paths.error().text);

  look.index_file = paths->file(cyrus::MetaFile::index).native();
  const auto fd = base::open_file(look.index_file, O_RDONLY);
  if (!fd) return fail(fd.error().text);
  const auto index = cyrus::IndexReader::open(fd->value(), "cyrus.index");
  if (!index) return fail(index.error().text);
  const auto read = index->for_each([&](const cyrus::IndexRecord& found) -> base::Result<void> {
    MailboxLook::Message message{found.flags, ""};
    for (const bool archived : {false, true}) {
      const fs::path file = paths->message(maildrop::Uid{found.uid}, archived);
      std::error_code error;
      if (message.file.empty() && fs::is_regular_file(file, error) && fs::file_size(file, error) == found.size) {
        message.file = file.native();
      }
    }
    if (message.file.empty() && !found.has(cyrus::flag_bit::kExpunged)) {
      return base::fail(base::Errc::corrupt, "no message file of UID " + std::to_string(found.uid));
    }
    look.messages.emplace(found.uid, std::move(message));
    return {};
  });
  if (!read) return fail(read.error().text);
  return look;
}

}  // namespace faults
