#include "cyrus/mailbox_record_text.hpp"

#include <utility>

namespace cyrus {
namespace {

class Fields {
 public:
  Fields() { list_.kind = Dlist::Kind::fields; }
  void add(std::string_view key, Dlist value) {
    list_.keys.emplace_back(key);
    list_.items.push_back(std::move(value));
  }
  void add(std::string_view key, std::string text) { add(key, dlist_string(std::move(text))); }
  Dlist take() { return std::move(list_); }

 private:
  Dlist list_;
};

Dlist access_list(const MailboxRecord& record) {
  Fields fields;
  for (const AclEntry& entry : record.acl) fields.add(entry.identifier, entry.rights);
  return fields.take();
}

// Everything behind the id or the name.
void add_common(const MailboxRecord& record, Fields& fields) {
  const bool has_mailbox = !record.deleted && !record.intermediate;
  if (has_mailbox) fields.add("P", record.partition);
  if (!record.server.empty()) fields.add("S", record.server);
  if (record.uidvalidity != 0) fields.add("V", std::to_string(record.uidvalidity));
  if (record.created_modseq != 0) fields.add("C", std::to_string(record.created_modseq));
  if (record.folder_modseq != 0) fields.add("F", std::to_string(record.folder_modseq));
  fields.add("M", std::to_string(record.mtime));
  if (has_mailbox) fields.add("A", access_list(record));
}

std::string text_of(Fields fields) {
  std::string text;
  append_dlist(fields.take(), text);
  return text;
}

}  // namespace

std::string type_letters(const MailboxRecord& record) {
  std::string letters = record.type.substr(0, 1);
  if (record.deleted) letters += 'd';
  if (record.moving) letters += 'm';
  if (record.remote) letters += 'r';
  if (record.reserved) letters += 'z';
  if (record.intermediate) letters += 'i';
  if (record.legacy_layout) letters += 'l';
  return letters;
}

std::string encode_name_record(const MailboxRecord& record) {
  Fields fields;
  fields.add("T", type_letters(record));
  fields.add("I", record.uniqueid);
  add_common(record, fields);
  return text_of(std::move(fields));
}

std::string encode_id_record(const MailboxRecord& record, const Dlist& history) {
  Fields fields;
  fields.add("T", type_letters(record));
  fields.add("N", record.name.dbname());
  add_common(record, fields);
  fields.add("H", history);
  return text_of(std::move(fields));
}

Dlist former_name(const MailboxRecord& tombstone) {
  Fields fields;
  fields.add("N", tombstone.name.dbname());
  fields.add("M", std::to_string(tombstone.mtime));
  fields.add("V", std::to_string(tombstone.uidvalidity));
  fields.add("C", std::to_string(tombstone.created_modseq));
  fields.add("F", std::to_string(tombstone.folder_modseq));
  fields.add("T", type_letters(tombstone));
  return fields.take();
}

}  // namespace cyrus
