#include "mime/imap_text.hpp"

#include "base/ascii.hpp"
#include "mime/encoded_word.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mime {

namespace {

constexpr std::size_t kMaxQuoted = 1023;

bool is_quotable(char c) {
  return static_cast<unsigned char>(c) < 0x80 && std::string_view("\0\r\n\"%\\", 6).find(c) == std::string_view::npos;
}

void append_addresses(std::string& to, const AddressList& addresses) {
  if (addresses.empty()) {
    to += "NIL";
    return;
  }
  to += '(';
  for (const Address& address : addresses) {
    to += '(';
    append_nstring(to, address.name);
    to += ' ';
    append_nstring(to, address.route);
    to += ' ';
    append_nstring(to, address.mailbox);
    to += ' ';
    append_nstring(to, address.domain);
    to += ')';
  }
  to += ')';
}

void append_parameters(std::string& to, const std::vector<Parameter>& parameters) {
  if (parameters.empty()) {
    to += "NIL";
    return;
  }
  char before = '(';
  for (const Parameter& parameter : parameters) {
    to += before;
    append_string(to, parameter.attribute);
    to += ' ';
    append_string(to, parameter.value);
    before = ' ';
  }
  to += ')';
}

/// What BODYSTRUCTURE says after the disposition-less fields: disposition, language, location.
void append_extensions(std::string& to, const Part& part) {
  to += ' ';
  if (part.disposition) {
    to += '(';
    append_string(to, part.disposition->kind);
    to += ' ';
    append_parameters(to, part.disposition->parameters);
    to += ')';
  } else {
    to += "NIL";
  }
  to += ' ';
  char before = '(';
  for (const std::string& tag : part.language) {
    to += before;
    append_string(to, tag);
    before = ' ';
  }
  to += part.language.empty() ? "NIL" : ")";
  to += ' ';
  append_nstring(to, part.location);
}

void append_number(std::string& to, std::uint32_t number) {
  to += ' ';
  to += std::to_string(number);
}

/// All that BODY says of a part before the envelope of the message in it, if it has one.
void append_basic_fields(std::string& to, const Part& part) {
  to += '(';
  append_string(to, part.type);
  to += ' ';
  append_string(to, part.subtype);
  to += ' ';
  append_parameters(to, part.parameters);
  to += ' ';
  append_nstring(to, part.id);
  to += ' ';
  append_nstring(to, part.description);
  to += ' ';
  append_string(to, part.encoding ? std::string_view(*part.encoding) : "7BIT");
  append_number(to, part.content_size);
}

const Part& empty_text() {
  static const Part part = [] {
    Part text;
    text.type = "TEXT";
    text.subtype = "PLAIN";
    text.parameters = {{"CHARSET", "us-ascii"}};
    return text;
  }();
  return part;
}

}  // namespace

void append_nstring(std::string& to, const std::optional<std::string>& text) {
  if (text) {
    append_string(to, *text);
  } else {
    to += "NIL";
  }
}

void append_string(std::string& to, std::string_view text) {
  if (text.size() <= kMaxQuoted && std::all_of(text.begin(), text.end(), is_quotable)) {
    to += '"';
    to += text;
    to += '"';
  } else {
    to += '{' + std::to_string(text.size()) + "}\r\n";
    to += text;
  }
}

void append_envelope(std::string& to, const Envelope& envelope) {
  to += '(';
  append_nstring(to, envelope.date);
  to += ' ';
  append_nstring(to, envelope.subject);
  to += ' ';
  append_addresses(to, envelope.from);
  to += ' ';
  append_addresses(to, envelope.sender.empty() ? envelope.from : envelope.sender);
  to += ' ';
  append_addresses(to, envelope.reply_to.empty() ? envelope.from : envelope.reply_to);
  to += ' ';
  append_addresses(to, envelope.to);
  to += ' ';
  append_addresses(to, envelope.cc);
  to += ' ';
  append_addresses(to, envelope.bcc);
  to += ' ';
  append_nstring(to, envelope.in_reply_to);
  to += ' ';
  append_nstring(to, envelope.message_id);
  to += ')';
}

void append_body(std::string& to, const Message& message, std::uint32_t part, bool extensions) {
  struct Step {
    std::uint32_t part;
    bool finish;  // what comes after the parts in it
  };
  std::vector<Step> steps{{part, false}};
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    const Part* it = &message.parts[step.part];
    if (step.finish) {
      if (it->is_multipart()) {
        to += ' ';
        append_string(to, it->subtype);
        if (extensions) {
          to += ' ';
          append_parameters(to, it->parameters);
        }
      } else {
        append_number(to, it->content_lines);
        if (extensions) {
          to += ' ';
          append_nstring(to, it->md5);
        }
      }
      if (extensions) append_extensions(to, *it);
      to += ')';
      continue;
    }
    if (it->is_multipart() && !it->children.empty()) {
      to += '(';
      steps.push_back({step.part, true});
      for (auto child = it->children.rbegin(); child != it->children.rend(); ++child) steps.push_back({*child, false});
      continue;
    }
    if (it->is_multipart()) it = &empty_text();  // IMAP knows no multipart without parts
    append_basic_fields(to, *it);
    if (it->is_message()) {
      to += ' ';
      append_envelope(to, *message.parts[it->children.front()].envelope);
      to += ' ';
      steps.push_back({step.part, true});
      steps.push_back({it->children.front(), false});
      continue;
    }
    if (it->type == "TEXT") append_number(to, it->content_lines);
    if (extensions) {
      to += ' ';
      append_nstring(to, it->md5);
      append_extensions(to, *it);
    }
    to += ')';
  }
}

void append_search_addresses(std::string& to, const AddressList& addresses) {
  static constexpr std::string_view kAtomSpecials = "!#$%&'*+-/=?^_`{|}~";
  bool comma = false;
  for (const Address& address : addresses) {
    if (!address.domain) {
      if (address.mailbox) {
        if (comma) to += ',';
        to += decode_encoded_words(*address.mailbox) + ':';
      } else {
        to += ';';
      }
      comma = !address.mailbox;
      continue;
    }
    if (comma) to += ',';
    if (address.name) {
      const std::string name = decode_encoded_words(*address.name);
      const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return base::ascii::is_alnum(c) || base::ascii::is_space(c) || kAtomSpecials.find(c) != std::string_view::npos;
      });
      if (!plain) to += '"';
      for (const char c : name) {
        if (c == '"' || c == '\\') to += '\\';
        to += c;
      }
      if (!plain) to += '"';
      to += ' ';
    }
    to += '<';
    if (address.route) to += base::ascii::lower(*address.route) + ':';
    to += base::ascii::lower(*address.mailbox) + '@' + base::ascii::lower(*address.domain) + '>';
    comma = true;
  }
}

}  // namespace mime
