#include "cyrus/message_facts.hpp"

#include "base/local_time.hpp"
#include "mime/cache_items.hpp"
#include "mime/message_facts.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

namespace cyrus {
namespace {

/// An index knows no time before 1970.
Time time_of(std::int64_t seconds) { return Time{static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)), 0}; }

/// The local day of a moment.
std::optional<mime::CalendarDay> day_of(Time time) {
  const auto seconds = static_cast<std::time_t>(time.seconds);
  std::tm parts = {};
  if (::localtime_r(&seconds, &parts) == nullptr) return std::nullopt;
  return mime::CalendarDay{parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday};
}

std::optional<std::time_t> midnight_of(const std::optional<mime::CalendarDay>& day) {
  return day ? base::local_midnight(day->year, day->month, day->day) : std::nullopt;
}

}  // namespace

void describe_text(std::string_view text, std::uint64_t now, const mime::ParseOptions& options, MessageFacts& facts) {
  facts.internaldate = Time{now, 0};
  facts.gmtime = facts.internaldate;
  std::optional<mime::CalendarDay> sent_day;
  if (const auto message = mime::parse_message(text, options)) {
    const mime::MessageFacts found = mime::message_facts(*message);
    const auto received = found.delivered_internal_date ? found.delivered_internal_date : found.received_date;
    if (received) facts.internaldate = time_of(*received);
    facts.gmtime = found.gmtime ? time_of(*found.gmtime) : facts.internaldate;
    facts.header_size = found.header_size;
    sent_day = found.sent_day;
    mime::CacheRecord record = mime::cache_record(mime::cache_items(*message));
    facts.cache_record = std::move(record.bytes);
    facts.cache_crc = record.crc;
    facts.cache_version = mime::kCacheVersion;
  }
  auto midnight = midnight_of(sent_day);
  if (!midnight) midnight = midnight_of(day_of(facts.internaldate));  // none, or before 1970
  facts.sentdate = midnight ? time_of(*midnight) : facts.internaldate;
}

}  // namespace cyrus
