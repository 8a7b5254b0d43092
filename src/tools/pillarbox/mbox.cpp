#include "tools/pillarbox/mbox.hpp"

#include "base/ascii.hpp"
#include "cyrus/index_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace tools {
namespace {

using base::Errc;
using cyrus::flag_bit::kAnswered;
using cyrus::flag_bit::kDeleted;
using cyrus::flag_bit::kDraft;
using cyrus::flag_bit::kFlagged;
using cyrus::flag_bit::kSeen;

constexpr std::string_view kFrom = "From ";
constexpr std::string_view kPseudoSubject = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";
constexpr std::array<std::string_view, 6> kStateFields{"status", "x-status", "x-keywords",
                                                       "x-uid",  "x-imap",   "x-imapbase"};
// No From_ line is longer, and only so much of a line is looked at.
constexpr std::size_t kMaxFromLine = 1000;

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<int> number(std::string_view text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) return std::nullopt;
  return value;
}

/// The place of a name of three letters in a row of such names, from 0.
std::optional<int> index_of(std::string_view name, std::string_view names) {
  if (name.size() != 3) return std::nullopt;
  const auto at = names.find(name);
  if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  return static_cast<int>(at / 3);
}

/// "12:00" or "12:00:00" as seconds.
std::optional<int> time_of_day(std::string_view text) {
  if (text.size() != 5 && text.size() != 8) return std::nullopt;
  if (text[2] != ':' || (text.size() == 8 && text[5] != ':')) return std::nullopt;
  const auto hour = number(text.substr(0, 2), 0, 23);
  const auto minute = number(text.substr(3, 2), 0, 59);
  const auto second = text.size() == 8 ? number(text.substr(6), 0, 60) : 0;
  if (!hour || !minute || !second) return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

/// "+0100" as seconds east; 0 for a name of letters; nullopt for no zone.
std::optional<int> zone(std::string_view text) {
  const bool letters = !text.empty() && text.size() <= 5 && std::ranges::all_of(text, base::ascii::is_upper);
  if (letters) return 0;
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = number(text.substr(1, 2), 0, 23);
  const auto minutes = number(text.substr(3, 2), 0, 59);
  if (!hours || !minutes) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

/// Days since 1970 of a day of the Gregorian calendar; months count from 0.
std::int64_t days_of(int year, int month, int day) {
  const int y = month < 2 ? year - 1 : year;
  const int m = (month + 10) % 12;  // from March
  const std::int64_t before = std::int64_t{365} * y + y / 4 - y / 100 + y / 400;
  return before + (m * 306 + 5) / 10 + day - 1 - 719468;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!(line = base::ascii::trim(line)).empty()) {
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

std::uint32_t flags_of(std::string_view letters) {
  std::uint32_t flags = 0;
  for (const char c : letters) {
    if (c == 'R') flags |= kSeen;
    if (c == 'A') flags |= kAnswered;
    if (c == 'F') flags |= kFlagged;
    if (c == 'T') flags |= kDraft;
    if (c == 'D') flags |= kDeleted;
  }
  return flags;
}

}  // namespace

std::optional<std::int64_t> parse_from_line(std::string_view line) {
  line = without_line_end(line);
  if (!line.starts_with(kFrom) || line.size() > kMaxFromLine) return std::nullopt;
  const auto words = words_of(line.substr(kFrom.size()));
  // [ADDRESS...] Thu Nov 26 12:00:00 [zone] 2026 [zone]: an address may have blanks, so the date is sought from the
  // time of day, which has colons.
  for (std::size_t at = 3; at + 1 < words.size(); ++at) {
    const auto seconds = time_of_day(words[at]);
    if (!seconds) continue;
    const auto weekday = index_of(words[at - 3], "SunMonTueWedThuFriSat");
    const auto month = index_of(words[at - 2], "JanFebMarAprMayJunJulAugSepOctNovDec");
    const auto day = number(words[at - 1], 1, 31);
    std::size_t next = at + 1;
    std::optional<int> east;
    if (!number(words[next], 1970, 9999)) east = zone(words[next++]);
    const auto year = next < words.size() ? number(words[next], 1970, 9999) : std::nullopt;
    if (!east && next + 1 < words.size()) east = zone(words[next + 1]);
    if (!weekday || !month || !day || !year) continue;
    return days_of(*year, *month, *day) * 86400 + *seconds - east.value_or(0);
  }
  return std::nullopt;
}

MboxSplitter::MboxSplitter(std::string what, MboxQuoting quoting, std::size_t max_octets, Sink sink)
    : what_(std::move(what)), quoting_(quoting), max_octets_(max_octets), sink_(std::move(sink)) {}

base::Result<void> MboxSplitter::feed(std::string_view octets) {
  while (!octets.empty()) {
    const auto end = octets.find('\n');
    const std::string_view piece = octets.substr(0, end == std::string_view::npos ? octets.size() : end + 1);
    octets.remove_prefix(piece.size());
    if (line_.size() + piece.size() + message_.text.size() + field_.size() > max_octets_) {
      return base::fail(Errc::limit, what_ + ": message " + std::to_string(count_) + ": more than " +
                                         std::to_string(max_octets_) + " octets");
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return {};
    }
    base::Result<void> taken;
    if (line_.empty()) {
      taken = take_line(piece);
    } else {
      line_ += piece;
      const std::string line = std::exchange(line_, {});
      taken = take_line(line);
    }
    if (!taken) return taken;
  }
  return {};
}

base::Result<void> MboxSplitter::finish() {
  if (!line_.empty()) {
    const std::string line = std::exchange(line_, {});
    if (auto taken = take_line(line); !taken) return taken;
  }
  return hand_out();
}

base::Result<void> MboxSplitter::take_line(std::string_view line) {
  const std::string_view text = without_line_end(line);
  if (!in_message_ && text.empty() && count_ == 0) return {};  // some programs begin with an empty line
  const bool is_first = !in_message_;
  std::optional<std::int64_t> date;
  if (was_empty_ || is_first) date = parse_from_line(line);
  if (date || (is_first && text.starts_with(kFrom))) {
    if (auto done = hand_out(); !done) return done;
    ++count_;
    message_ = SourceMessage{};
    message_.date = date;
    message_.where = what_ + ": message " + std::to_string(count_);
    in_message_ = in_header_ = true;
    is_pseudo_ = has_imap_field_ = was_empty_ = false;
    empty_size_ = 0;
    return {};
  }
  if (is_first) return base::fail(Errc::invalid, what_ + ": no mbox: it does not begin with \"From \"");

  was_empty_ = text.empty();
  if (in_header_) {
    take_header_line(line);
    if (was_empty_) in_header_ = false;
    return {};
  }
  std::string_view kept = line;
  if (quoting_ != MboxQuoting::none && line.starts_with('>')) {
    const auto quotes = line.find_first_not_of('>');
    const bool is_quoted = quotes != std::string_view::npos && line.substr(quotes).starts_with(kFrom);
    if (is_quoted && (quoting_ == MboxQuoting::mboxrd || quotes == 1)) kept.remove_prefix(1);
  }
  message_.text += kept;
  empty_size_ = was_empty_ ? line.size() : 0;
  return {};
}

void MboxSplitter::take_header_line(std::string_view line) {
  const bool continues = line.front() == ' ' || line.front() == '\t';
  if (!continues) end_field();
  if (was_empty_) {
    message_.text += line;
    return;
  }
  field_ += line;
}

void MboxSplitter::end_field() {
  const std::string field = std::exchange(field_, {});
  const auto colon = field.find(':');
  const std::string name = base::ascii::lower(base::ascii::trim(std::string_view(field).substr(0, colon)));
  const std::string_view value =
      colon == std::string::npos ? std::string_view() : base::ascii::trim(std::string_view(field).substr(colon + 1));
  if (colon != std::string::npos && std::ranges::find(kStateFields, name) != kStateFields.end()) {
    if (name == "status" || name == "x-status") message_.flags |= flags_of(value);
    if (name == "x-imap" || name == "x-imapbase") has_imap_field_ = true;
    return;
  }
  if (name == "subject" && value == kPseudoSubject) is_pseudo_ = true;
  message_.text += field;
}

base::Result<void> MboxSplitter::hand_out() {
  if (!in_message_) return {};
  end_field();
  in_message_ = false;
  // The empty line in front of the next From_ line, and at the end of the file, is not the message's.
  message_.text.resize(message_.text.size() - std::min(empty_size_, message_.text.size()));
  if (count_ == 1 && is_pseudo_ && has_imap_field_) return {};
  return sink_(std::move(message_));
}

}  // namespace tools
