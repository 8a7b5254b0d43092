#include "cyrus/mailbox_record.hpp"

#include "base/ascii.hpp"
#include "cyrus/dlist.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace cyrus {
namespace {

tl::unexpected<base::Error> refuse(const MailboxName& name, std::string_view why) {
  return base::fail(base::Errc::corrupt, "mailbox " + name.intname() + ": mailboxes.db: " + std::string(why));
}

// Rights are letters and digits; access is decided by them, so anything else is refused rather than carried on.
bool is_rights(std::string_view text) { return std::ranges::all_of(text, base::ascii::is_alnum); }

// The flag letters of T may stand at any place: no kind of mailbox has one of them as its letter.
void take_type(std::string_view letters, MailboxRecord& record) {
  record.type = letters.empty() ? "e" : std::string(letters);
  for (const char letter : letters) {
    if (letter == 'd') record.deleted = true;
    if (letter == 'm') record.moving = true;
    if (letter == 'r') record.remote = true;
    if (letter == 'z') record.reserved = true;
    if (letter == 'i') record.intermediate = true;
    if (letter == 'l') record.legacy_layout = true;
  }
}

// A uniqueid becomes a directory name.
bool is_uniqueid(std::string_view text) {
  constexpr std::string_view kBytes = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  return text.size() >= 2 && text.size() <= 128 && text.find_first_not_of(kBytes) == std::string_view::npos;
}

// False when the key is there but no number up to `limit`.
template <class Number>
bool take_number(const Dlist& fields, std::string_view key, Number& into) {
  const Dlist* value = fields.find(key);
  if (value == nullptr) return true;
  const auto number = parse_decimal(value->text);
  if (value->kind != Dlist::Kind::string || !number ||
      *number > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) {
    return false;
  }
  into = static_cast<Number>(*number);
  return true;
}

bool take_acl(const Dlist& acl, MailboxRecord& record) {
  if (acl.kind == Dlist::Kind::list && acl.items.empty()) return true;
  if (acl.kind != Dlist::Kind::fields) return false;
  for (std::size_t i = 0; i < acl.keys.size(); ++i) {
    if (acl.items[i].kind != Dlist::Kind::string || !is_rights(acl.items[i].text)) return false;
    record.acl.push_back({acl.keys[i], acl.items[i].text});
  }
  return true;
}

base::Result<MailboxRecord> parse_dlist_record(const MailboxName& name, std::string_view value, RecordForm form) {
  const auto fields = parse_dlist(value);
  if (!fields) return refuse(name, fields.error().text);
  if (fields->kind != Dlist::Kind::fields) return refuse(name, "record without fields");
  MailboxRecord record(name);
  for (const std::string_view key : {"T", "I", "J", "P", "S"}) {
    if (fields->find(key) != nullptr && !fields->string(key)) return refuse(name, "field is not a string");
  }
  take_type(fields->string("T").value_or(""), record);
  record.uniqueid = fields->string("I").value_or("");
  record.jmap_id = fields->string("J").value_or("");
  record.partition = fields->string("P").value_or("");
  record.server = fields->string("S").value_or("");
  if (!take_number(*fields, "V", record.uidvalidity) || !take_number(*fields, "C", record.created_modseq) ||
      !take_number(*fields, "F", record.folder_modseq) || !take_number(*fields, "M", record.mtime)) {
    return refuse(name, "bad number");
  }
  if (const Dlist* acl = fields->find("A"); acl != nullptr && !take_acl(*acl, record)) {
    return refuse(name, "bad access list");
  }
  if (form == RecordForm::by_name && record.uniqueid.empty()) return refuse(name, "record without a uniqueid");
  return record;
}

// "NUMBER PARTITION ACL", before it perhaps "(uniqueid X specialuse Y) ". The partition of a remote mailbox is its
// server, or "server!partition".
base::Result<MailboxRecord> parse_text_record(const MailboxName& name, std::string_view value) {
  MailboxRecord record(name);
  if (value.starts_with('(')) {
    const auto end = value.find(") ");
    if (end == std::string_view::npos) return refuse(name, "list without an end");
    const auto extra = parse_dlist("%" + std::string(value.substr(0, end + 1)));
    if (!extra) return refuse(name, extra.error().text);
    record.uniqueid = extra->string("uniqueid").value_or("");
    value.remove_prefix(end + 2);
  }
  const auto number_end = value.find(' ');
  const auto number = parse_decimal(value.substr(0, number_end));
  if (!number || number_end == std::string_view::npos) return refuse(name, "record without a type number");
  constexpr std::array<std::pair<std::uint64_t, char>, 8> kTypeBits{
      {{1, 'r'}, {2, 'z'}, {4, 'n'}, {8, 'm'}, {16, 'd'}, {32, 'c'}, {64, 'b'}, {128, 'a'}}};
  std::string letters;
  for (const auto& [bit, letter] : kTypeBits) {
    if ((*number & bit) != 0) letters += letter;
  }
  if (*number > 255) return refuse(name, "unknown type number");
  take_type(letters, record);

  value.remove_prefix(number_end + 1);
  const auto partition_end = value.find(' ');
  record.partition = value.substr(0, partition_end);
  std::string_view acl = partition_end == std::string_view::npos ? "" : value.substr(partition_end + 1);
  if (const auto mark = record.partition.find('!'); mark != std::string::npos) {
    record.server = record.partition.substr(0, mark);
    record.partition.erase(0, mark + 1);
  } else if (record.remote) {
    record.server = std::exchange(record.partition, {});
  }
  while (!acl.empty()) {
    const auto tab = acl.find('\t');
    if (tab == std::string_view::npos) return refuse(name, "bad access list");
    const std::string_view rights = acl.substr(tab + 1, acl.find('\t', tab + 1) - tab - 1);
    if (!is_rights(rights)) return refuse(name, "bad access list");
    record.acl.push_back({std::string(acl.substr(0, tab)), std::string(rights)});
    acl.remove_prefix(std::min(acl.size(), tab + 1 + rights.size() + 1));
  }
  return record;
}

}  // namespace

base::Result<MailboxRecord> parse_mailbox_record(const MailboxName& name, std::string_view value, RecordForm form,
                                                 std::string_view this_server) {
  const bool is_dlist = value.starts_with("%(");
  if (!is_dlist && form == RecordForm::by_name) return refuse(name, "record is not a list");
  auto record = is_dlist ? parse_dlist_record(name, value, form) : parse_text_record(name, value);
  if (!record) return record;
  if (!record->uniqueid.empty() && !is_uniqueid(record->uniqueid)) return refuse(name, "impossible uniqueid");
  if (!record->server.empty() && record->server != this_server) record->remote = true;
  if (form == RecordForm::plain) record->legacy_layout = true;
  return record;
}

base::Result<std::string> parse_id_record(std::string_view uniqueid, std::string_view value) {
  const auto fields = parse_dlist(value);
  const auto dbname = fields ? fields->string("N") : std::nullopt;
  if (!dbname) {
    return base::fail(base::Errc::corrupt, "mailbox id " + std::string(uniqueid) + ": mailboxes.db: " +
                                               (fields ? std::string("record without a name") : fields.error().text));
  }
  return std::string(*dbname);
}

}  // namespace cyrus
