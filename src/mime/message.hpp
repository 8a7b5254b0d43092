#pragma once

#include "base/result.hpp"
#include "base/sha1.hpp"
#include "mime/address_list.hpp"
#include "mime/structured_field.hpp"
#include "mime/transfer_decoder.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Whole messages as mail delivery stores them: the tree of parts that IMAP shows, and what Cyrus keeps of it in
/// cyrus.cache (doc/format/cache.md). Pure: bytes in, values out. Every message is read as some tree, just as Cyrus
/// reads it, and in linear time.
namespace mime {

/// What is told about a message in its ENVELOPE (RFC 3501 s7.4.2). Of a field that is repeated, the last counts.
/// Texts are unfolded and otherwise as written.
struct Envelope {
  std::optional<std::string> date;
  std::optional<std::string> subject;
  AddressList from;
  AddressList sender;
  AddressList reply_to;
  AddressList to;
  AddressList cc;
  AddressList bcc;
  std::optional<std::string> in_reply_to;
  std::optional<std::string> message_id;
};

/// A node of the tree: the message itself, a body part, or a message in a message. Offsets are octets from the start of
/// the message.
struct Part {
  std::uint32_t header_offset = 0;
  std::uint32_t header_size = 0;  ///< With the empty line; without the line end before a boundary in the header.
  std::uint32_t header_lines = 0;
  std::uint32_t content_offset = 0;
  std::uint32_t content_size = 0;  ///< As written, without the line end that belongs to the next boundary.
  std::uint32_t content_lines = 0;

  std::string type;     ///< Upper case.
  std::string subtype;  ///< Upper case.
  std::vector<Parameter> parameters;
  std::optional<std::string> id;
  std::optional<std::string> description;
  std::optional<std::string> encoding;  ///< Upper case.
  std::optional<std::string> md5;
  std::optional<Disposition> disposition;
  std::vector<std::string> language;  ///< Upper case.
  std::optional<std::string> location;

  /// SHA-1 and size of the body with its transfer encoding undone; zero if that cannot be done, and of multiparts.
  base::Sha1Digest digest{};
  std::uint32_t decoded_size = 0;

  /// Only of the message itself and of a message in a message.
  std::unique_ptr<Envelope> envelope;

  /// Indexes in Message::parts. A multipart has any number, also none; message/rfc822 has one; all others have none.
  std::vector<std::uint32_t> children;

  bool is_multipart() const { return type == "MULTIPART"; }
  bool is_message() const { return type == "MESSAGE" && subtype == "RFC822"; }
};

/// A parsed message. Keeps a view of the text.
struct Message {
  std::string_view text;
  std::vector<Part> parts;           ///< parts[0] is the message itself; a parent comes before its children.
  std::size_t max_header_lines = 0;  ///< As in ParseOptions.

  const Part& root() const { return parts.front(); }
  /// The header of the message itself, with its empty line.
  std::string_view header() const { return text.substr(0, root().header_size); }
};

/// Parts beyond this number are not told from one another: the last one that is takes all that follows.
inline constexpr std::size_t kMaxParts = 20'000;
/// Multiparts and messages inside one another. Deeper ones are not looked into.
inline constexpr std::size_t kMaxNesting = 1000;
/// Messages in messages are digested each by itself, which makes the square of their number. The sum of their octets is
/// bounded by so many times the whole message, and some more.
inline constexpr std::uint64_t kMaxDigestFactor = 32;
inline constexpr std::uint64_t kDigestAllowance = 64 << 20;

struct ParseOptions {
  std::size_t max_header_lines = 1000;  ///< imapd.conf maxheaderlines: later fields are not seen. 0: no bound.
  std::size_t boundary_limit = 1000;    ///< imapd.conf boundary_limit: multiparts inside one another. 0: kMaxNesting.
  bool strict_boundaries = false;       ///< imapd.conf rfc2046_strict.
};

/// Parses a message: lines that end in CRLF, no NUL. `text` must outlive the result.
/// Errors: limit (4 GiB or more, which an index cannot say).
base::Result<Message> parse_message(std::string_view text, const ParseOptions& options = {});

/// How the body of `part` is encoded. Cyrus: message parts are never encoded.
Encoding body_encoding(const Part& part);

}  // namespace mime
