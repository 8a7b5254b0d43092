#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace net {

/// The received octets of one connection, given out as whole lines. Pure: it sees no socket.
///
/// A line ends with LF; one CR before it belongs to the line end. Any other octet, NUL too, is content. Memory is small
/// while little is received (an idle session keeps kSmallOctets), grows with what arrives, and shrinks again. Octets
/// that have been given out are overwritten before the next octets are received: they may be a password.
class LineBuffer {
 public:
  static constexpr std::size_t kSmallOctets = 512;
  /// Most octets that are held while no line needs more: what a pipelining peer may be ahead.
  static constexpr std::size_t kReadAheadOctets = 16 * 1024;
  /// Most octets of one overlong line that are received and thrown away.
  static constexpr std::size_t kMaxDiscardOctets = 1024 * 1024;

  enum class Status {
    line,        ///< `line` holds the next one, without its line end, until next() or space() is called.
    too_long,    ///< A line above the limit has been dropped whole; the next call sees what follows it.
    incomplete,  ///< Receive more.
    exhausted,   ///< kMaxDiscardOctets of one line were dropped and no end is in sight.
  };
  struct Next {
    Status status;
    std::string_view line;
  };

  LineBuffer() noexcept = default;
  LineBuffer(const LineBuffer&) = delete;
  LineBuffer& operator=(const LineBuffer&) = delete;
  ~LineBuffer();

  /// Takes the next line, of at most `limit` octets without its line end.
  Next next(std::size_t limit);

  /// What has been received and not been given out, whole lines or not; until next(), space() or consume(). Not in the
  /// middle of an overlong line that next() drops.
  std::string_view pending() const;
  /// Counts the first octets of pending() as given out.
  void consume(std::size_t octets);

  /// Room to receive into, never empty as long as next(limit) answers incomplete.
  std::span<char> space(std::size_t limit);
  /// Says that `octets` have been put at the begin of the last space().
  void received(std::size_t octets);

  /// True when a line end has been received that was not given out yet.
  bool has_line() const noexcept { return line_end_ != kNone; }
  /// Octets received and not given out yet, whole line or not.
  std::size_t unread() const noexcept { return end_ - begin_; }
  /// What is allocated now.
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void find_line_end();
  void resize(std::size_t capacity);

  std::unique_ptr<char[]> octets_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;         // first octet not given out
  std::size_t end_ = 0;           // behind the last octet received
  std::size_t line_end_ = kNone;  // the first LF at or after begin_
  std::size_t discarded_ = 0;     // dropped octets of the line under way; meaningful while discarding_
  bool discarding_ = false;
  bool filled_ = false;  // the last reception took all the room: more is probably waiting
};

}  // namespace net
