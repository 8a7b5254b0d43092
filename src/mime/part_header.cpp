#include "mime/part_header.hpp"

#include "base/ascii.hpp"
#include "mime/header_fields.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mime {

namespace {

void read_mime_field(Part& part, std::string_view name, std::string_view value) {
  if (name == "content-transfer-encoding") {
    part.encoding = parse_encoding(value);
  } else if (name == "content-disposition") {
    part.disposition = parse_disposition(value);
  } else if (name == "content-language") {
    part.language = parse_language(value);
  } else if (name == "content-id") {
    part.id = unfolded(value);
  } else if (name == "content-description") {
    part.description = unfolded(value);
  } else if (name == "content-location") {
    part.location = unfolded(value);
  } else if (name == "content-md5") {
    part.md5 = unfolded(value);
  }
}

void read_envelope_field(Envelope& envelope, std::string_view name, std::string_view value) {
  struct Text {
    std::string_view name;
    std::optional<std::string> Envelope::*member;
  };
  struct List {
    std::string_view name;
    AddressList Envelope::*member;
  };
  static constexpr std::array kTexts = {Text{"date", &Envelope::date}, Text{"subject", &Envelope::subject},
                                        Text{"in-reply-to", &Envelope::in_reply_to},
                                        Text{"message-id", &Envelope::message_id}};
  static constexpr std::array kLists = {
      List{"from", &Envelope::from}, List{"sender", &Envelope::sender}, List{"reply-to", &Envelope::reply_to},
      List{"to", &Envelope::to},     List{"cc", &Envelope::cc},         List{"bcc", &Envelope::bcc}};
  for (const Text& text : kTexts) {
    if (name == text.name) envelope.*text.member = unfolded(value);
  }
  for (const List& list : kLists) {
    if (name == list.name) envelope.*list.member = parse_address_list(value);
  }
}

}  // namespace

void read_part_header(Part& part, std::string_view header, std::size_t max_lines, bool is_message, bool in_digest) {
  constexpr std::size_t kLongestName = 25;  // content-transfer-encoding
  if (is_message) part.envelope = std::make_unique<Envelope>();
  std::optional<ContentType> content;
  HeaderFields fields(header, max_lines);
  while (const auto field = fields.next()) {
    if (field->name.size() > kLongestName) continue;
    const std::string name = base::ascii::lower(field->name);
    if (name == "content-type") {
      content = parse_content_type(field->value);
    } else if (name.starts_with("content-")) {
      read_mime_field(part, name, field->value);
    } else if (is_message) {
      read_envelope_field(*part.envelope, name, field->value);
    }
  }
  if (!content) {
    content =
        in_digest ? ContentType{"MESSAGE", "RFC822", {}} : ContentType{"TEXT", "PLAIN", {{"CHARSET", "us-ascii"}}};
  }
  part.type = std::move(content->type);
  part.subtype = std::move(content->subtype);
  part.parameters = std::move(content->parameters);
}

}  // namespace mime
