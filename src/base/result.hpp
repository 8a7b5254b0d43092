#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace base {

/// What kind of failure crossed a module border. Callers decide by this; people read Error::text.
enum class Errc {
  io,           ///< The system refused: see Error::errnum.
  not_found,    ///< The named thing does not exist.
  permission,   ///< It exists, but may not be used.
  corrupt,      ///< Its content contradicts its format.
  unsupported,  ///< A valid thing that we do not handle (index version, back end).
  busy,         ///< Somebody else holds a lock: nothing was changed, try again later.
  would_block,  ///< The answer needs the disk: ask again from the worker pool.
  timeout,      ///< A deadline passed.
  closed,       ///< The peer is gone.
  invalid,      ///< The caller's argument, or the text that was parsed, is not acceptable.
  limit,        ///< A bound on size or number was reached.
};

/// A failure as a value. `text` names the object, for the log; it never reaches a client.
struct Error {
  Errc code;
  std::string text;
  int errnum = 0;

  Error(Errc error_code, std::string message, int error_number = 0)
      : code(error_code), text(std::move(message)), errnum(error_number) {}
};

template <class T>
using Result = tl::expected<T, Error>;

/// `Errc::io` with the text "WHAT: strerror(ERRNUM)"; ENOENT becomes not_found, EACCES and EPERM permission.
/// Pass errno at once: any call in between may change it.
Error system_error(std::string_view what, int errnum);

/// The failure as the right-hand side of a return.
inline tl::unexpected<Error> fail(Errc code, std::string text) {
  return tl::unexpected<Error>(Error{code, std::move(text)});
}

inline tl::unexpected<Error> fail_system(std::string_view what, int errnum) {
  return tl::unexpected<Error>(system_error(what, errnum));
}

/// A short name of the code, for logs and test output: "not_found".
std::string_view name(Errc code);

}  // namespace base
