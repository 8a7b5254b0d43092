#pragma once

#include <string>

namespace net {

/// What OpenSSL has to say about its last failure on this thread, most recent reason first; empties its error queue.
/// "unknown" when it says nothing. Whoever calls OpenSSL clears the queue before (ERR_clear_error).
std::string take_openssl_error();

}  // namespace net
