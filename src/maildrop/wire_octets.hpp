#pragma once

#include <cstdint>
#include <string_view>

namespace maildrop {

/// Counts the octets that a stored message has when it is sent as RFC 1939 s11 counts them: a bare LF goes out as CRLF,
/// and a last line without end gets one. Pure; fed in pieces of any size.
///
/// The counterpart of pop3::BodyEncoder, which sends them: a test holds the two together.
class WireOctets {
 public:
  void add(std::string_view piece);
  std::uint64_t octets() const { return octets_ + (last_ == '\n' || empty_ ? 0 : 2); }

 private:
  std::uint64_t octets_ = 0;
  char last_ = '\n';
  bool empty_ = true;
};

}  // namespace maildrop
