#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cyrus {

/// Why a text cannot be stored as a message.
enum class TextFault {
  nul,               ///< a NUL octet, which no message may have (RFC 5322 s2.3)
  eight_bit_header,  ///< an octet of 0x80 and above in the header, under reject8bit
  malformed_header,  ///< a line before the first empty one that is neither a field nor its continuation
  empty_message_id,  ///< a Message-ID without a value, by which it could not be told from other messages
  too_large,         ///< more octets than the bound
};

/// A short text for logs and replies: "message contains NUL characters".
std::string_view describe(TextFault fault);

/// What becomes of the text of a message on its way into a mailbox.
struct TextRules {
  bool remove_return_path = true;
  bool reject_8bit = false;
  bool munge_8bit = true;
  std::uint64_t max_octets = 0;  ///< of the text with CRLF line ends, before anything is added; 0: no bound
  std::string message_id;        ///< added at the end of a header that has none; empty: not added
  std::string date;              ///< likewise
};

/// Makes the text that is stored from one that arrives in pieces (doc/format/delivery.md). The result does not depend
/// on how the text is cut into pieces. Pure; memory is bounded.
///
/// A line ends with LF, with or without CR before it, and comes out with CRLF; a CR elsewhere is dropped. The header
/// ends with the first empty line. Fields named Return-Path are left out, with their continuation lines. At the end of
/// the header, Message-ID and Date are added if they are missing.
class MessageText {
 public:
  explicit MessageText(TextRules rules);

  /// Appends what `octets` give to `to`. After a fault nothing comes out any more, and what came out is of no use.
  void add(std::string_view octets, std::string& to);

  /// The text has ended: what is still due comes out, such as the end of the last line. Call once.
  void finish(std::string& to);

  /// The first thing that is wrong, if anything is.
  std::optional<TextFault> fault() const { return fault_; }

  /// Octets that came out up to and with the empty line; of all of them while, and if, there is none.
  std::uint64_t header_octets() const { return header_octets_; }

  /// By which the message is told from others: the first Resent-Message-ID, else the first Message-ID, unfolded. What
  /// was added counts. Empty if there is none, or it is too long to be one.
  const std::string& message_id() const { return resent_id_.empty() ? message_id_ : resent_id_; }
  /// The first Date, in the same way.
  const std::string& date() const { return date_; }

 private:
  void add_header_line(std::string& to);
  void begin_field(std::string_view line);
  void end_header(std::string& to);
  void add_body(std::string_view octets, std::string& to);
  void put_body(std::string_view octets, std::string& to);
  void put_line(std::string_view line, std::string& to);
  void count(std::size_t octets);
  void fail(TextFault fault);

  TextRules rules_;
  std::optional<TextFault> fault_;
  bool in_body_ = false;
  std::string line_;             // of the header, as far as it has arrived
  bool has_field_ = false;       // so a line may continue it
  bool is_left_out_ = false;     // the field that is being read
  std::string* keep_ = nullptr;  // where its value is remembered, if it is
  bool has_message_id_ = false;
  bool has_resent_id_ = false;
  bool has_date_ = false;
  bool is_at_line_start_ = true;  // in the body
  std::uint64_t octets_ = 0;      // that came in and went out again
  std::uint64_t header_octets_ = 0;
  std::string message_id_;
  std::string resent_id_;
  std::string date_;
};

}  // namespace cyrus
