#include "mime/message_facts.hpp"

#include "mime/header_fields.hpp"

namespace mime {

MessageFacts message_facts(const Message& message) {
  MessageFacts facts;
  facts.header_size = message.root().header_size;
  std::optional<std::string> last_date;
  std::optional<std::string> delivered;
  std::optional<std::string> received;
  HeaderFields fields(message.header(), message.max_header_lines);
  while (const auto field = fields.next()) {
    if (field->is("date")) {
      last_date = unfolded(field->value);
      if (!facts.date) facts.date = last_date;
    } else if (field->is("message-id")) {
      if (!facts.message_id) facts.message_id = unfolded(field->value);
    } else if (field->is("x-deliveredinternaldate")) {
      delivered = unfolded(field->value);
    } else if (field->is("received") && !received) {
      received = unfolded(field->value);
    }
  }
  if (last_date) {
    facts.sent_day = parse_day(*last_date);
    facts.gmtime = parse_date_time(*last_date);
  }
  if (delivered) {
    facts.delivered_internal_date = parse_date_time(*delivered);
  } else if (received) {
    const std::size_t semicolon = received->rfind(';');
    facts.received_date = parse_date_time(std::string_view(*received).substr(semicolon + 1));
  }
  return facts;
}

}  // namespace mime
