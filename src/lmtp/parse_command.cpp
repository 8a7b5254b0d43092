#include "lmtp/parse_command.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

namespace lmtp {
namespace {

using base::ascii::equal_ignoring_case;
using Parsed = tl::expected<Command, Reply>;

tl::unexpected<Reply> refuse(int code, std::string_view status, std::string_view text) {
  return tl::unexpected(reply(code, status, text));
}
tl::unexpected<Reply> syntax_error() { return refuse(500, "5.5.2", "Syntax error"); }
tl::unexpected<Reply> bad_parameters() { return refuse(501, "5.5.4", "Syntax error in parameters"); }

/// The first word of `text`, which loses it and the blanks behind it.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  const std::size_t next = text.find_first_not_of(' ', end);
  text = next == std::string_view::npos ? std::string_view() : text.substr(next);
  return word;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// `SIZE=100` as name and value; "" for a parameter without one.
struct Parameter {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

Parameter split(std::string_view word) {
  const std::size_t sign = word.find('=');
  if (sign == std::string_view::npos) return {word, {}, false};
  return {word.substr(0, sign), word.substr(sign + 1), true};
}

/// A number that no uint64 holds is the greatest: too much, whatever the bound is.
std::optional<std::uint64_t> octets(std::string_view digits) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), base::ascii::is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() ? value : std::numeric_limits<std::uint64_t>::max();
}

tl::expected<void, Reply> apply(const Parameter& parameter, Mail& mail) {
  if (equal_ignoring_case(parameter.name, "SIZE")) {
    mail.size = octets(parameter.value);
    if (!mail.size) return refuse(501, "5.5.4", "SIZE requires a value");
    return {};
  }
  if (equal_ignoring_case(parameter.name, "BODY")) {
    mail.eight_bit = equal_ignoring_case(parameter.value, "8BITMIME");
    if (!mail.eight_bit && !equal_ignoring_case(parameter.value, "7BIT")) {
      return refuse(501, "5.5.4", "Unrecognized BODY type");
    }
    return {};
  }
  if (equal_ignoring_case(parameter.name, "SMTPUTF8") && !parameter.has_value) {
    mail.utf8 = true;
    return {};
  }
  // RFC 4954 s5: who submitted the message. Nothing here depends on it.
  if (equal_ignoring_case(parameter.name, "AUTH") && !parameter.value.empty()) return {};
  return refuse(555, "5.5.4", "Unrecognized parameters");
}

/// The parameters behind a path: `rest` begins right behind it.
template <class Apply>
tl::expected<void, Reply> each_parameter(std::string_view rest, Apply use) {
  if (!rest.empty() && rest.front() != ' ') return bad_parameters();
  take_word(rest);
  std::vector<std::string> seen;
  while (!rest.empty()) {
    const Parameter parameter = split(take_word(rest));
    seen.push_back(base::ascii::lower(parameter.name));
    if (std::count(seen.begin(), seen.end(), seen.back()) > 1) return bad_parameters();
    if (auto used = use(parameter); !used) return used;
  }
  return {};
}

Parsed parse_mail(std::string_view rest) {
  if (!take_prefix(rest, "FROM:")) return bad_parameters();
  auto found = parse_path(rest);
  if (!found) return bad_parameters();
  Mail mail;
  mail.sender = std::move(found->path);
  auto done = each_parameter(rest.substr(found->length), [&](const Parameter& one) { return apply(one, mail); });
  if (!done) return tl::unexpected(std::move(done.error()));
  return mail;
}

Parsed parse_rcpt(std::string_view rest) {
  if (!take_prefix(rest, "TO:")) return bad_parameters();
  auto found = parse_path(rest);
  if (!found) return bad_parameters();
  Rcpt rcpt;
  rcpt.recipient = std::move(found->path);
  if (rcpt.recipient.is_null()) return refuse(501, "5.1.3", "No recipient");
  auto done = each_parameter(rest.substr(found->length), [&](const Parameter& one) -> tl::expected<void, Reply> {
    if (!equal_ignoring_case(one.name, "IGNOREQUOTA") || one.has_value) {
      return refuse(555, "5.5.4", "Unrecognized parameters");
    }
    rcpt.ignore_quota = true;
    return {};
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  return rcpt;
}

Parsed parse_auth(std::string_view rest) {
  Auth auth;
  auth.mechanism = take_word(rest);
  if (auth.mechanism.empty()) return bad_parameters();
  if (!rest.empty()) auth.initial_response = take_word(rest);
  if (!rest.empty()) return bad_parameters();
  return auth;
}

Parsed without_argument(Command command, std::string_view rest) {
  if (!rest.empty()) return bad_parameters();
  return command;
}

}  // namespace

tl::expected<Command, Reply> parse_command(std::string_view line) {
  if (line.size() > kMaxCommandOctets) return tl::unexpected(overlong_line());
  if (std::any_of(line.begin(), line.end(), base::ascii::is_control)) return syntax_error();
  std::string_view rest = line;
  const std::string verb = base::ascii::lower(take_word(rest));
  if (verb == "lhlo") {
    const std::string_view name = take_word(rest);
    if (name.empty() || !rest.empty()) return bad_parameters();
    return Lhlo{std::string(name)};
  }
  if (verb == "mail") return parse_mail(rest);
  if (verb == "rcpt") return parse_rcpt(rest);
  if (verb == "data") return without_argument(Data{}, rest);
  if (verb == "rset") return without_argument(Rset{}, rest);
  if (verb == "quit") return without_argument(Quit{}, rest);
  if (verb == "starttls") return without_argument(StartTls{}, rest);
  if (verb == "noop") return Noop{};  // RFC 5321 s4.1.1.9: its argument means nothing
  if (verb == "vrfy") {
    if (rest.empty()) return bad_parameters();
    return Vrfy{};
  }
  if (verb == "auth") return parse_auth(rest);
  if (verb == "bdat") return Bdat{};
  return syntax_error();  // HELO and EHLO too (RFC 2033 s4.1)
}

Reply overlong_line() { return reply(500, "5.5.6", "Line too long"); }

}  // namespace lmtp
