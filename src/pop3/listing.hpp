#pragma once

#include "maildrop/maildrop.hpp"
#include "pop3/reply.hpp"

#include <cstddef>
#include <string>

namespace pop3 {

/// Writes a LIST or UIDL reply in pieces, from "+OK" to the final dot, out of the per-session table: a maildrop of a
/// million messages needs no buffer of its own (RFC 1939 s5 LIST, s7 UIDL). Borrows the maildrop.
class ListingWriter {
 public:
  ListingWriter(Listing::Kind kind, const maildrop::Maildrop& drop);

  /// Appends about `octets` more of the reply, whole lines only. False when the final dot has been written.
  bool write(std::string& to, std::size_t octets);
};

}  // namespace pop3
