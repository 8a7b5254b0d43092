#include "pop3/parse_command.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

// One table row per command: its keyword, the state that knows it, and how its argument is read. Replies and the order
// of the checks are those of Cyrus 3.6: syntax before existence, and a command of the other state is not recognised.

namespace pop3 {
namespace {

namespace ascii = base::ascii;

using Parsed = tl::expected<Command, BadCommand>;
/// nullopt: no white space followed the keyword. Never empty: that is a syntax error, except for AUTH.
using Argument = std::optional<std::string_view>;

constexpr std::string_view kMissing = "Missing argument";
constexpr std::string_view kExtra = "Unexpected extra argument";

Parsed refuse(std::string_view text) { return tl::unexpected(BadCommand{err(text)}); }

std::string_view skip_space(std::string_view text) {
  return {std::find_if_not(text.begin(), text.end(), ascii::is_space), text.end()};
}

/// Takes decimal digits off the front of `text`. nullopt when there are none or they say more than 32 bits can hold.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  text = {rest, end};
  return number;
}

template <class C>
Parsed alone(Argument argument) {
  if (argument) return refuse(kExtra);
  return C{};
}

/// One message-number and nothing behind it, not even a blank.
template <class C>
Parsed numbered(Argument argument) {
  if (!argument) return refuse(kMissing);
  std::string_view rest = *argument;
  const auto number = take_number(rest);
  if (!number) return refuse("Not a number");
  if (!rest.empty()) return refuse(kExtra);
  return C{MessageNumber{*number}};
}

template <class C>
Parsed perhaps_numbered(Argument argument) {
  if (!argument) return C{};
  return numbered<C>(argument);
}

Parsed user(Argument argument) {
  if (!argument) return refuse(kMissing);
  return User{std::string(*argument)};
}

Parsed pass(Argument argument) {
  if (!argument) return refuse(kMissing);
  return Pass{base::Secret{*argument}};
}

Parsed apop(Argument argument) {
  if (!argument) return Apop{};
  // The digest follows the last blank: names may contain some.
  const std::size_t blank = argument->rfind(' ');
  if (blank == std::string_view::npos) return Apop{std::string(*argument), {}};
  return Apop{std::string(argument->substr(0, blank)), std::string(argument->substr(blank + 1))};
}

/// RFC 5034 s4. Exactly one octet parts the mechanism from the initial response, which is kept as it came.
Parsed auth(Argument argument) {
  if (!argument) return Auth{};
  const auto* const end = std::find_if(argument->begin(), argument->end(), ascii::is_space);
  std::string mechanism(argument->begin(), end);
  if (end == argument->end()) return Auth{std::move(mechanism), std::nullopt};
  return Auth{std::move(mechanism), std::string(end + 1, argument->end())};
}

/// RFC 1939 s7. Cyrus: a first word that is no number counts as missing, and both numbers are read before anybody asks
/// whether the message exists.
Parsed top(Argument argument) {
  std::string_view rest = argument.value_or(std::string_view{});
  const auto number = take_number(rest);
  if (!number || rest.empty()) return refuse(kMissing);
  rest = skip_space(rest);
  const auto lines = take_number(rest);
  if (!lines) return refuse("Invalid number of lines");
  if (!rest.empty()) return refuse(kExtra);
  return Top{MessageNumber{*number}, *lines};
}

struct Rule {
  std::string_view keyword;
  std::optional<State> state;  ///< nullopt: any
  Parsed (*parse)(Argument);
};

constexpr std::array<Rule, 15> kRules{{
    {"QUIT", std::nullopt, alone<Quit>},
    {"CAPA", std::nullopt, alone<Capa>},
    {"USER", State::authorization, user},
    {"PASS", State::authorization, pass},
    {"APOP", State::authorization, apop},
    {"AUTH", State::authorization, auth},
    {"STLS", State::authorization, alone<Stls>},
    {"STAT", State::transaction, alone<Stat>},
    {"LIST", State::transaction, perhaps_numbered<List>},
    {"UIDL", State::transaction, perhaps_numbered<Uidl>},
    {"RETR", State::transaction, numbered<Retr>},
    {"DELE", State::transaction, numbered<Dele>},
    {"NOOP", State::transaction, alone<Noop>},
    {"RSET", State::transaction, alone<Rset>},
    {"TOP", State::transaction, top},
}};

/// Well-meant commands of other servers and standards, which clients try out and give up (RFC 1460 LAST, RFC 1082 XTND,
/// RFC 6856 s2 and s3), or speak to servers of their own kind.
constexpr std::array<std::string_view, 7> kHarmless{"LAST", "XTND", "UTF8", "LANG", "XOIP", "ID", "IMPLEMENTATION"};

constexpr std::array<std::string_view, 9> kHttpMethods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                       "CONNECT", "OPTIONS", "TRACE", "PATCH"};
constexpr std::string_view kHttp2Start = "PRI * HTTP/2.0";

// Methods are upper case, and end in one blank (RFC 9112 s3).
bool is_http(std::string_view line) {
  return line == kHttp2Start || std::any_of(kHttpMethods.begin(), kHttpMethods.end(), [line](std::string_view method) {
           return line.starts_with(method) && line.substr(method.size()).starts_with(' ');
         });
}

bool is_harmless(std::string_view keyword) {
  return std::any_of(kHarmless.begin(), kHarmless.end(),
                     [keyword](std::string_view known) { return ascii::equal_ignoring_case(known, keyword); });
}

}  // namespace

tl::expected<Command, BadCommand> parse_command(std::string_view line, State state) {
  if (line.size() > kMaxCommandOctets) return tl::unexpected(overlong_line());
  if (line.find('\0') != std::string_view::npos) return refuse("Syntax error");

  const auto* const keyword_end = std::find_if(line.begin(), line.end(), ascii::is_space);
  const std::string_view keyword{line.begin(), keyword_end};
  const auto is = [keyword](std::string_view name) { return ascii::equal_ignoring_case(name, keyword); };

  Argument argument;
  if (keyword_end != line.end()) {
    argument.emplace(keyword_end + 1, line.end());
    // A password may begin with a blank; nothing else does.
    if (!is("PASS")) argument = skip_space(*argument);
    if (argument->empty()) {
      // Outlook asks for the mechanisms with "AUTH" and a blank.
      if (!is("AUTH")) return tl::unexpected(BadCommand{err("Syntax error"), !is_harmless(keyword)});
      argument.reset();
    }
  }

  const auto* const rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& candidate) {
    return is(candidate.keyword) && candidate.state.value_or(state) == state;
  });
  if (rule != kRules.end()) return rule->parse(argument);
  return tl::unexpected(BadCommand{err(kUnrecognized), !is_harmless(keyword), is_http(line)});
}

BadCommand overlong_line() { return BadCommand{err("Line too long")}; }

}  // namespace pop3
