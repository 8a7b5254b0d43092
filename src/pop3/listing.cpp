#include "pop3/listing.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pop3 {
namespace {

using maildrop::Maildrop;
using maildrop::MessageNumber;

/// Room for a message-number, a blank, 20 digits of octets and CRLF.
using RowBuffer = std::array<char, 40>;

char* write_number_and_blank(MessageNumber number, RowBuffer& row) {
  char* at = std::to_chars(row.begin(), row.end(), value(number)).ptr;
  *at++ = ' ';
  return at;
}

void append(const RowBuffer& row, const char* end, std::string& to) {
  to.append(row.data(), static_cast<std::size_t>(end - row.data()));
}

}  // namespace

void append_scan_listing(const Maildrop& drop, MessageNumber number, std::string& to) {
  RowBuffer row;
  char* at = write_number_and_blank(number, row);
  at = std::to_chars(at, row.end(), value(drop.octets(number))).ptr;
  *at++ = '\r';
  *at++ = '\n';
  append(row, at, to);
}

void append_unique_id_listing(const Maildrop& drop, MessageNumber number, std::string& to) {
  RowBuffer row;
  append(row, write_number_and_blank(number, row), to);
  drop.append_unique_id(number, to);
  to += "\r\n";
}

ListingWriter::ListingWriter(Listing::Kind kind, const Maildrop& drop) : drop_(drop), kind_(kind) {}

template <class AppendRow>
void ListingWriter::write_rows(AppendRow append_row, std::string& to, std::size_t enough) {
  while (next_ <= drop_.count() && to.size() < enough) {
    const MessageNumber number{static_cast<std::uint32_t>(next_)};
    if (drop_.exists(number)) append_row(drop_, number, to);
    ++next_;
  }
}

bool ListingWriter::write(std::string& to, std::size_t octets) {
  if (ended_) return false;
  // Even a request for no octets moves on, or a careless caller would turn for ever.
  octets = std::max<std::size_t>(octets, 1);
  const std::size_t room = to.max_size() - to.size();
  const std::size_t enough = to.size() + std::min(octets, room);
  const bool scan = kind_ == Listing::Kind::scan;
  if (!begun_) {
    to += scan ? "+OK scan listing follows\r\n" : "+OK unique-id listing follows\r\n";
    begun_ = true;
  }
  if (scan) {
    write_rows(append_scan_listing, to, enough);
  } else {
    write_rows(append_unique_id_listing, to, enough);
  }
  // The dot leaves together with the last row, never as a packet of its own.
  if (next_ <= drop_.count()) return true;
  to += ".\r\n";
  ended_ = true;
  return false;
}

}  // namespace pop3
