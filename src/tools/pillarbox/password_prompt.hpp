#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"

#include <string_view>

namespace tools {

/// Asks for a new password of `user`: on a terminal twice, without echo, else one line of standard input. Never taken
/// from the command line, where every user of the machine could read it.
///
/// A signal that ends the program meanwhile finds the terminal as it was. Errors: invalid (no line, an empty one, one
/// with a NUL, the two differ); limit (too long); io.
base::Result<base::Secret> ask_new_password(std::string_view user);

}  // namespace tools
