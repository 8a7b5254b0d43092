#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace manual {

/// A page out of its source: comments of the form `.\" @WORD ARGUMENT` are replaced by what the tables in the code say.
///
///     .\" @synopsis PROGRAM   .\" @switches PROGRAM      the command line
///     .\" @options GROUP      .\" @option NAME           options of imapd.conf(5); @option only within a list
///     .\" @without-effect     .\" @old-names             the rest of them
///     .\" @patterns                                      families of keys
///
/// Pure. Errors: invalid; the text begins with the number of the line.
base::Result<std::string> make_page(std::string_view source);

}  // namespace manual
