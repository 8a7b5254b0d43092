#pragma once

#include <string>
#include <string_view>

/// The generator of manual pages: what the tables of options say, as mdoc(7).
namespace manual {

/// Plain sentences as lines of mdoc text: each sentence on a line of its own, none of more than 78 characters where
/// words allow, nothing taken for a request or an escape. Names of imapd.conf(5)'s options become `.Cm`, `page(8)`
/// becomes
/// `.Xr`. Ends with a newline; empty for no text.
std::string text_lines(std::string_view sentences);

/// A word as an argument of a macro: quoted where it needs to be.
std::string argument(std::string_view word);

}  // namespace manual
