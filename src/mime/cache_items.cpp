#include "mime/cache_items.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "mime/cached_header.hpp"
#include "mime/encoded_word.hpp"
#include "mime/header_fields.hpp"
#include "mime/imap_text.hpp"
#include "mime/section.hpp"

#include <optional>

namespace mime {

namespace {

std::string cached_headers(const Message& message) {
  std::string item;
  HeaderFields fields(message.header(), message.max_header_lines);
  while (const auto field = fields.next()) {
    if (!is_cached_header(field->name)) continue;
    item += field->text;
    item += "\r\n";
  }
  return item;
}

}  // namespace

CacheItems cache_items(const Message& message) {
  const Envelope& envelope = *message.root().envelope;
  CacheItems items;
  append_envelope(items.envelope, envelope);
  append_body(items.body_structure, message, 0, true);
  append_body(items.body, message, 0, false);
  items.section = section_item(message);
  items.headers = cached_headers(message);
  append_search_addresses(items.from, envelope.from);
  append_search_addresses(items.to, envelope.to);
  append_search_addresses(items.cc, envelope.cc);
  append_search_addresses(items.bcc, envelope.bcc);
  std::optional<std::string> subject;
  if (envelope.subject) subject = decode_encoded_words(*envelope.subject);
  append_nstring(items.subject, subject);
  return items;
}

CacheRecord cache_record(const CacheItems& items) {
  CacheRecord record;
  for (const std::string* item : {&items.envelope, &items.body_structure, &items.body, &items.section, &items.headers,
                                  &items.from, &items.to, &items.cc, &items.bcc, &items.subject}) {
    std::array<unsigned char, 4> length{};
    base::store_be32(length, 0, static_cast<std::uint32_t>(item->size()));
    record.bytes.append(reinterpret_cast<const char*>(length.data()), length.size());
    record.bytes += *item;
    record.bytes.append((4 - item->size() % 4) % 4, '\0');
  }
  record.crc = base::crc32(record.bytes);
  return record;
}

}  // namespace mime
