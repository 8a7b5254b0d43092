#include "base/result.hpp"

#include <cerrno>
#include <system_error>

namespace base {

Error system_error(std::string_view what, int errnum) {
  Errc code = Errc::io;
  if (errnum == ENOENT) code = Errc::not_found;
  if (errnum == EACCES || errnum == EPERM) code = Errc::permission;
  std::string text(what);
  text += ": ";
  text += std::generic_category().message(errnum);
  return Error{code, std::move(text), errnum};
}

std::string_view name(Errc code) {
  switch (code) {
    case Errc::io:
      return "io";
    case Errc::not_found:
      return "not_found";
    case Errc::permission:
      return "permission";
    case Errc::corrupt:
      return "corrupt";
    case Errc::unsupported:
      return "unsupported";
    case Errc::busy:
      return "busy";
    case Errc::would_block:
      return "would_block";
    case Errc::timeout:
      return "timeout";
    case Errc::closed:
      return "closed";
    case Errc::invalid:
      return "invalid";
    case Errc::limit:
      return "limit";
  }
  return "unknown";
}

}  // namespace base
