// Any text as a dlist, as a value of mailboxes.db in each of its forms, and as a mailbox name.

#include "base/check.hpp"
#include "cyrus/dlist.hpp"
#include "cyrus/flat_reader.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cyrus::MailboxName;
  static const MailboxName kInbox = *MailboxName::from_intname("user.ann");
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto list = cyrus::parse_dlist(text)) {
    CHECK(list->kind != cyrus::Dlist::Kind::fields || list->keys.size() == list->items.size());
  }
  for (const auto form : {cyrus::RecordForm::by_name, cyrus::RecordForm::plain}) {
    const auto record = cyrus::parse_mailbox_record(kInbox, text, form, "mx.example.net");
    // What becomes a directory name must be one.
    if (record) CHECK(record->uniqueid.find('/') == record->uniqueid.npos && record->uniqueid != "..");
  }
  static_cast<void>(cyrus::parse_id_record("id", text));
  static_cast<void>(cyrus::walk_flat(text, "flat", [](cyrus::TwoskipItem&& item) { return !item.key.empty(); }));

  if (const auto name = MailboxName::from_dbname(text)) {
    const auto same = MailboxName::from_intname(name->intname());
    CHECK(same && *same == *name);
    for (const auto& component : name->components()) CHECK(!component.empty() && component.find('/') == component.npos);
  }
  return 0;
}
