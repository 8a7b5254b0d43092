#pragma once

#include "mime/address_list.hpp"
#include "mime/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Text as an IMAP server says it, for the cache to keep ready (RFC 3501 s7.4.2, doc/format/cache.md). All append.
namespace mime {

/// `NIL`, a quoted string, or a literal where a quoted string will not do or would be long.
void append_nstring(std::string& to, const std::optional<std::string>& text);
void append_string(std::string& to, std::string_view text);

/// `(date subject from sender reply-to to cc bcc in-reply-to message-id)`.
void append_envelope(std::string& to, const Envelope& envelope);

/// The BODYSTRUCTURE of a part and of all in it or, without `extensions`, its BODY.
void append_body(std::string& to, const Message& message, std::uint32_t part, bool extensions);

/// Addresses as text to search in: decoded names, the rest in lower case, joined by commas.
void append_search_addresses(std::string& to, const AddressList& addresses);

}  // namespace mime
