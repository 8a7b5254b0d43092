#pragma once

#include "cyrus/index_header.hpp"
#include "mime/message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cyrus {

/// What mailboxes store about a message beside its file. Computed once, whoever receives it.
struct MessageFacts {
  std::uint64_t size = 0;
  std::uint32_t header_size = 0;            ///< up to and with the empty line
  std::array<unsigned char, 20> guid = {};  ///< SHA-1 of the whole file
  Time internaldate;                        ///< when it was received; also the time of the file
  Time sentdate;                            ///< the calendar date of its Date, as written, at 00:00 here
  Time gmtime;                              ///< its Date
  std::string message_id;                   ///< Resent-Message-ID or Message-ID, for duplicate suppression
  std::string date;                         ///< Date as written, for duplicate suppression
  std::string cache_record;                 ///< for cyrus.cache; empty: none could be made
  std::uint32_t cache_crc = 0;              ///< of that record
  std::uint16_t cache_version = 0;          ///< of its layout
};

/// Adds to `facts` what the text of a message says: dates and the cache record. `text` is all of it, with CRLF line
/// ends; `now` is the time of arrival, in seconds since 1970. Pure but for the time zone of the machine.
void describe_text(std::string_view text, std::uint64_t now, const mime::ParseOptions& options, MessageFacts& facts);

}  // namespace cyrus
