#include "tools/pillarbox/exit_status.hpp"

#include <sysexits.h>

namespace tools {
namespace {

// Error::errnum is for errno values; those of sysexits(3) overlap with them, so ours are marked.
constexpr int kMark = 0x10000;

}  // namespace

int exit_status(const base::Error& error) {
  if ((error.errnum & kMark) != 0) return error.errnum & ~kMark;
  switch (error.code) {
    case base::Errc::not_found:
      return EX_NOUSER;
    case base::Errc::permission:
      return EX_NOPERM;
    case base::Errc::corrupt:
    case base::Errc::invalid:
      return EX_DATAERR;
    case base::Errc::unsupported:
    case base::Errc::limit:
      return EX_UNAVAILABLE;
    case base::Errc::busy:
    case base::Errc::would_block:
    case base::Errc::timeout:
      return EX_TEMPFAIL;
    case base::Errc::io:
    case base::Errc::closed:
      return EX_IOERR;
  }
  return EX_SOFTWARE;
}

tl::unexpected<base::Error> fail_with(int status, std::string text) {
  return tl::unexpected<base::Error>(base::Error{base::Errc::invalid, std::move(text), status | kMark});
}

base::Error with_status(int status, base::Error error) {
  error.errnum = status | kMark;
  return error;
}

}  // namespace tools
