#pragma once

#include "maildrop/maildrop.hpp"
#include "pop3/reply.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace pop3 {

/// Appends one row with its CRLF: "2 320" (RFC 1939 s5 LIST), "2 1795381165.17" (RFC 1939 s7 UIDL). The message exists.
void append_scan_listing(const maildrop::Maildrop& drop, maildrop::MessageNumber number, std::string& to);
void append_unique_id_listing(const maildrop::Maildrop& drop, maildrop::MessageNumber number, std::string& to);

/// Writes a LIST or UIDL reply in pieces, from "+OK" to the final dot, out of the per-session table: a maildrop of a
/// million messages needs no buffer of its own (RFC 1939 s5 LIST, s7 UIDL). Borrows the maildrop.
class ListingWriter {
 public:
  ListingWriter(Listing::Kind kind, const maildrop::Maildrop& drop);

  /// Appends about `octets` more of the reply, whole lines only and at least one. False when the final dot has been
  /// written; a call after that appends nothing.
  bool write(std::string& to, std::size_t octets);

 private:
  template <class AppendRow>
  void write_rows(AppendRow append_row, std::string& to, std::size_t enough);

  const maildrop::Maildrop& drop_;
  Listing::Kind kind_;
  bool begun_ = false;
  bool ended_ = false;
  std::uint64_t next_ = 1;  ///< 64 bits: one past the last message-number must not wrap.
};

}  // namespace pop3
