#pragma once

#include "base/result.hpp"

namespace tools {

/// "All well" and "problems were found" of commands that look for problems; failures are those of sysexits(3).
inline constexpr int kAllWell = 0;
inline constexpr int kProblemsFound = 1;

/// The exit status for an error that ends a command.
int exit_status(const base::Error& error);

/// An error with an exit status of its own, for what Errc does not tell apart (EX_CANTCREAT, EX_NOINPUT, EX_CONFIG
/// ...).
tl::unexpected<base::Error> fail_with(int status, std::string text);

/// The same for an error that came from elsewhere.
base::Error with_status(int status, base::Error error);

}  // namespace tools
