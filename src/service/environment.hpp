#pragma once

#include "base/result.hpp"

#include <string>

namespace service {

/// What master(8) tells a service in its environment (doc/format/service-protocol.md).
struct Environment {
  std::string name;  ///< CYRUS_SERVICE
  int id = 0;        ///< CYRUS_ID
  int verbose = 0;   ///< CYRUS_VERBOSE
};

/// Reads it. Errors: invalid, with the words of the original: "could not getenv(CYRUS_SERVICE); exiting".
base::Result<Environment> read_environment();

/// The descriptors that a service inherits.
inline constexpr int kStatusFd = 3;
inline constexpr int kListenFd = 4;

}  // namespace service
