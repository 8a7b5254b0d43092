#pragma once

#include "mime/date.hpp"
#include "mime/message.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace mime {

/// What delivery needs of a message besides its cache record, for the index record and for duplicate suppression.
struct MessageFacts {
  std::uint32_t header_size = 0;

  /// The day of the last Date field, as written: local_midnight() of it is the record's sentdate. Cyrus: without it,
  /// the local midnight of internaldate.
  std::optional<CalendarDay> sent_day;
  /// The last Date field as a moment: the record's gmtime. Cyrus: without it, internaldate.
  std::optional<std::int64_t> gmtime;

  /// Candidates for internaldate, in this order; without either it is the time of delivery.
  std::optional<std::int64_t> delivered_internal_date;  ///< Of the last X-DeliveredInternalDate field.
  /// Of the first Received field, which was added last. Cyrus: not asked if there is an X-DeliveredInternalDate, even
  /// one that cannot be read.
  std::optional<std::int64_t> received_date;

  /// The key of duplicate suppression is made of these: the first field of each name, unfolded.
  std::optional<std::string> message_id;
  std::optional<std::string> date;
};

MessageFacts message_facts(const Message& message);

}  // namespace mime
