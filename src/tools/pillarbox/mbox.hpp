#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tools {

/// How an mbox hides lines of messages that begin with "From ". Which one a file has cannot be told from it.
enum class MboxQuoting {
  mboxrd,  ///< lines of any number of '>' and "From " got one '>' more, which is taken away
  mboxo,   ///< only "From " itself got a '>'; ">From " loses it
  none,    ///< nothing is taken away
};

/// One message out of a mailbox file or directory.
struct SourceMessage {
  std::string text;                  ///< with the line ends that it had
  std::optional<std::int64_t> date;  ///< when it was received, seconds since 1970; none: not known
  std::uint32_t flags = 0;           ///< of cyrus::flag_bit, the five of IMAP
  std::string where;                 ///< for people: "mail.mbox: message 3", "cur/123.host:2,S"
};

/// The date of a line "From ADDRESS Thu Nov 26 12:00:00 2026", with an optional zone (+0100, or letters, which count
/// as UTC like none) before or behind the year. nullopt: no such line. Pure.
std::optional<std::int64_t> parse_from_line(std::string_view line);

/// Takes an mbox apart, in pieces of any size. A message begins at a line that parse_from_line() takes, at the very
/// beginning or behind an empty line; that empty line belongs to the format. The first line may be any "From ". Header
/// fields by which mail programs keep state in such files (Status, X-Status, X-Keywords, X-UID, X-IMAP, X-IMAPbase)
/// give the flags and are left out, so that a message is the same however often it was read. The pseudo-message that
/// c-client keeps in the first place is passed over. Pure; memory is bounded by `max_octets`.
class MboxSplitter {
 public:
  using Sink = std::function<base::Result<void>(SourceMessage&&)>;

  /// `what` names the file in SourceMessage::where and errors.
  MboxSplitter(std::string what, MboxQuoting quoting, std::size_t max_octets, Sink sink);

  /// Errors: invalid (no mbox: the first line is another); limit (a message of more than max_octets); those of the
  /// sink.
  base::Result<void> feed(std::string_view octets);
  /// The file has ended: hands out the last message.
  base::Result<void> finish();

 private:
  base::Result<void> take_line(std::string_view line);
  base::Result<void> hand_out();
  void take_header_line(std::string_view line);
  void end_field();

  std::string what_;
  MboxQuoting quoting_;
  std::size_t max_octets_;
  Sink sink_;

  std::string line_;  ///< as far as it has arrived
  SourceMessage message_;
  std::string field_;  ///< a header field with its continuation lines
  std::uint64_t count_ = 0;
  bool in_message_ = false;
  bool in_header_ = false;
  bool is_pseudo_ = false;
  bool has_imap_field_ = false;
  bool was_empty_ = true;       ///< the line before
  std::size_t empty_size_ = 0;  ///< octets of that line, which may be the format's
};

}  // namespace tools
