#pragma once

#include "base/result.hpp"
#include "cyrus/message_text.hpp"
#include "cyrus/staged_message.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cyrus {

/// What a message that comes in is held against, and what is added to it (doc/format/delivery.md).
struct IntakeOptions {
  /// Put on top as it is: whole header lines that end in CRLF, such as Return-Path and Received (RFC 5321 s4.4).
  std::string trace_headers;
  /// Put behind the header of a message without them: `<id@host>`, and an RFC 5322 date. Empty: nothing is added.
  std::string message_id;
  std::string date;
  bool remove_return_path = true;  ///< take out every Return-Path that came with the message (RFC 5321 s4.4)
  bool reject_8bit = false;        ///< reject8bit: octets of 0x80 and above in the header are refused
  bool munge_8bit = true;          ///< munge8bit: else each of them becomes an X
  std::uint64_t max_octets = 0;    ///< maxmessagesize, of what came in with CRLF line ends; 0: no bound
  std::string partition;           ///< where it is staged; empty: the default partition
  /// When it was received, in seconds since 1970, for mail that comes from another store; nullopt: its header says.
  std::optional<std::uint64_t> internaldate;
};

/// Takes one message in, in pieces of any size, and stages it on disk: what StagedMessage has then is what a mailbox
/// gets. Line ends become CRLF and the rest of message_text.hpp is applied. One object for one message.
///
/// Blocks on disk: worker pool only. A message that is given up, by an error or by destruction, leaves no file.
class MessageIntake {
 public:
  /// Makes the stage file. Errors: invalid (no such partition); permission; io.
  static base::Result<MessageIntake> begin(const StoreConfig& config, IntakeOptions options);

  MessageIntake(MessageIntake&&) noexcept;
  MessageIntake& operator=(MessageIntake&&) noexcept;
  ~MessageIntake();

  /// The next octets of the message, without dot-stuffing. After an error the rest can still be written, so that a
  /// protocol may read its DATA to the end: it is thrown away, and the same error comes again.
  ///
  /// Errors: invalid (a NUL, a malformed header, 8-bit octets there under reject_8bit); limit (max_octets); io.
  base::Result<void> write(std::string_view octets);

  /// What is wrong with an `invalid` message, for the reply; nullopt if nothing is.
  std::optional<TextFault> fault() const;

  /// Ends the message and computes what mailboxes need to know of it. Call once, at the end.
  /// Errors: those of write().
  base::Result<StagedMessage> finish();

 private:
  class Impl;
  explicit MessageIntake(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cyrus
