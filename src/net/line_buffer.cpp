#include "net/line_buffer.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace net {

LineBuffer::~LineBuffer() {
  if (octets_) ::explicit_bzero(octets_.get(), capacity_);
}

LineBuffer::Next LineBuffer::next(std::size_t limit) {
  if (line_end_ == kNone) {
    // One octet more than the limit may still be a CR that belongs to the line end.
    if (!discarding_ && (unread() <= limit || unread() - limit == 1)) return {Status::incomplete, {}};
    discarding_ = true;
    discarded_ += unread();
    begin_ = end_;
    return {discarded_ > kMaxDiscardOctets ? Status::exhausted : Status::incomplete, {}};
  }
  std::string_view line(octets_.get() + begin_, line_end_ - begin_);
  begin_ = line_end_ + 1;
  find_line_end();
  if (discarding_) {
    discarding_ = false;
    discarded_ = 0;
    return {Status::too_long, {}};
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > limit) return {Status::too_long, {}};
  return {Status::line, line};
}

std::span<char> LineBuffer::space(std::size_t limit) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 4;
  const std::size_t most = std::max(kReadAheadOctets, std::min(limit, kMost) + 2);  // + 2: CR LF
  const std::size_t pending = unread();
  std::size_t wanted = std::max(capacity_, kSmallOctets);
  if (filled_ && capacity_ < kReadAheadOctets) {
    wanted = std::min(capacity_ * 2, kReadAheadOctets);
  } else if (filled_ && pending == capacity_) {
    wanted = std::max(std::min(capacity_ * 2, most), pending);
  } else if (!filled_ && pending <= kSmallOctets / 2) {
    wanted = kSmallOctets;
  }
  if (wanted != capacity_) {
    resize(wanted);
  } else {
    // Wipes what was given out, and only that: the room behind end_ has been wiped before or was never used.
    std::memmove(octets_.get(), octets_.get() + begin_, pending);
    ::explicit_bzero(octets_.get() + pending, end_ - pending);
    if (line_end_ != kNone) line_end_ -= begin_;
    begin_ = 0;
    end_ = pending;
  }
  return {octets_.get() + end_, capacity_ - end_};
}

void LineBuffer::received(std::size_t octets) {
  CHECK(octets <= capacity_ - end_);
  if (line_end_ == kNone && octets > 0) {
    const void* found = std::memchr(octets_.get() + end_, '\n', octets);
    if (found != nullptr) line_end_ = static_cast<std::size_t>(static_cast<const char*>(found) - octets_.get());
  }
  end_ += octets;
  filled_ = end_ == capacity_;
}

std::string_view LineBuffer::pending() const {
  CHECK(!discarding_);
  return {octets_.get() + begin_, unread()};
}

void LineBuffer::consume(std::size_t octets) {
  CHECK(octets <= unread() && !discarding_);
  begin_ += octets;
  if (line_end_ == kNone || line_end_ < begin_) find_line_end();
}

void LineBuffer::find_line_end() {
  line_end_ = kNone;
  if (begin_ == end_) return;
  const void* found = std::memchr(octets_.get() + begin_, '\n', end_ - begin_);
  if (found != nullptr) line_end_ = static_cast<std::size_t>(static_cast<const char*>(found) - octets_.get());
}

void LineBuffer::resize(std::size_t capacity) {
  auto octets = std::make_unique<char[]>(capacity);
  const std::size_t pending = unread();
  if (octets_) {
    std::memcpy(octets.get(), octets_.get() + begin_, pending);
    ::explicit_bzero(octets_.get(), capacity_);
  }
  if (line_end_ != kNone) line_end_ -= begin_;
  octets_ = std::move(octets);
  capacity_ = capacity;
  begin_ = 0;
  end_ = pending;
}

}  // namespace net
