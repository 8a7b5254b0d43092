#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// The maildrop as RFC 1939 sees it, and what a mail store must offer to be one. Knows no Cyrus and no POP3 syntax.
namespace maildrop {

/// 1-based position in the session's scan listing (RFC 1939 s5); fixed from login to QUIT.
enum class MessageNumber : std::uint32_t {};

/// The store's own persistent key of a message (for Cyrus: the IMAP UID).
enum class Uid : std::uint32_t {};

/// A count of octets as RFC 1939 s11 counts them. 64 bits: totals pass 4 GiB.
enum class Octets : std::uint64_t {};

constexpr std::uint32_t value(MessageNumber number) { return static_cast<std::uint32_t>(number); }
constexpr std::uint32_t value(Uid uid) { return static_cast<std::uint32_t>(uid); }
constexpr std::uint64_t value(Octets octets) { return static_cast<std::uint64_t>(octets); }

/// Whether a call may wait for the disk.
enum class Access {
  cached_only,  ///< Safe on the event loop: fails with Errc::would_block instead of waiting.
  may_block,    ///< Worker pool only.
};

/// One message, open for reading. Its bytes do not change while it is open.
class Message {
 public:
  virtual ~Message() = default;

  /// The length of the stored message in bytes.
  virtual std::uint64_t size() const = 0;

  /// Up to into.size() bytes from `offset`; 0 at the end. Errors: would_block; io; corrupt (shorter than size()).
  virtual base::Result<std::size_t> read(std::span<char> into, std::uint64_t offset, Access access) = 0;
};

/// What a session asks of the store when it ends with QUIT (RFC 1939 s6).
struct Update {
  std::vector<Uid> deleted;    ///< Marked by DELE, ascending.
  std::vector<Uid> retrieved;  ///< Sent by RETR and not deleted, ascending. Stores may record them as read.
  /// What the scan listing said of each of `deleted`. Empty: not known.
  std::vector<std::uint64_t> deleted_octets;
  std::string session_id;  ///< for what the store logs
};

/// What became of an Update.
struct UpdateReport {
  std::size_t removed = 0;        ///< Removed by this session; less than asked when another session was faster.
  std::vector<Uid> removed_uids;  ///< Those, in any order. A store that does not know them leaves it empty.
};

/// One user's mailbox in some store, as one session holds it. No lock is held between calls.
class Mailbox {
 public:
  virtual ~Mailbox() = default;

  /// Appends the unique-id of a message: 1 to 70 octets of 0x21..0x7E, never reused (RFC 1939 s7). Does not block.
  virtual void append_unique_id(Uid uid, std::string& to) const = 0;

  /// Opens a message. Errors: would_block; not_found (removed meanwhile); corrupt (not what was listed); io;
  /// permission.
  virtual base::Result<std::unique_ptr<Message>> open(Uid uid, std::uint64_t octets, Access access) = 0;

  /// False when this user may not delete here. Fixed for a session.
  virtual bool may_delete() const { return true; }

  /// True when the mailbox was removed or got another name since the login. False when that cannot be found out now.
  /// Blocks: worker pool only.
  virtual bool is_gone() { return false; }

  /// Makes the update durable before it returns success. Blocks: worker pool only. Errc::busy: a lock is held by
  /// somebody else, nothing was changed, call again. Any other error: nothing was removed.
  virtual base::Result<UpdateReport> update(const Update& changes) = 0;
};

/// One row of the scan listing: 16 bytes a message.
struct Entry {
  std::uint64_t octets : 62;
  std::uint64_t deleted : 1;
  std::uint64_t retrieved : 1;
  Uid uid;

  Entry(Uid message_uid, std::uint64_t message_octets)
      : octets(message_octets & ((std::uint64_t{1} << 62) - 1)), deleted(0), retrieved(0), uid(message_uid) {}
};
static_assert(sizeof(Entry) == 16);

/// A session's snapshot: message-numbers 1..count() that mean the same messages until the session ends, and the
/// marks that DELE, RETR and RSET set. Mail that arrives later waits for the next session.
class Maildrop {
 public:
  /// `entries` in the order of the scan listing, ascending by uid.
  Maildrop(std::unique_ptr<Mailbox> mailbox, std::vector<Entry> entries);

  /// All messages, deleted ones included: the highest message-number.
  std::uint32_t count() const { return static_cast<std::uint32_t>(entries_.size()); }
  /// Messages not marked deleted, and the sum of their octets (RFC 1939 s5, STAT).
  std::uint32_t remaining() const { return remaining_; }
  Octets remaining_octets() const { return Octets{remaining_octets_}; }

  /// True for a number in 1..count() whose message is not marked deleted. All calls below need that.
  bool exists(MessageNumber number) const;
  Octets octets(MessageNumber number) const;
  Uid uid(MessageNumber number) const;
  void append_unique_id(MessageNumber number, std::string& to) const;

  /// What the scan listing says, or said before DELE, of a message that is one of the snapshot's; 0 for others.
  Octets octets(Uid uid) const;

  void mark_deleted(MessageNumber number);
  void mark_retrieved(MessageNumber number);
  /// RSET: forgets all marks (Cyrus: those of RETR too).
  void reset();

  /// Whether DELE may mark anything: see Mailbox::may_delete().
  bool may_delete() const { return mailbox_->may_delete(); }

  /// See Mailbox::is_gone().
  bool is_gone() { return mailbox_->is_gone(); }

  /// Messages marked deleted.
  std::uint32_t deleted() const { return count() - remaining_; }

  /// See Mailbox::open.
  base::Result<std::unique_ptr<Message>> open(MessageNumber number, Access access);

  /// Carries the marks out (RFC 1939 s6). See Mailbox::update; may be called again after Errc::busy.
  base::Result<UpdateReport> update(std::string session_id = {});

 private:
  const Entry& entry(MessageNumber number) const;
  Entry& entry(MessageNumber number);

  std::unique_ptr<Mailbox> mailbox_;
  std::vector<Entry> entries_;
  std::uint32_t remaining_ = 0;
  std::uint64_t remaining_octets_ = 0;
};

}  // namespace maildrop
