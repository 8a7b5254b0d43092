#include "base/check.hpp"
#include "cyrus/mailbox_header.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

// A cyrus.header without its magic, which is long and fixed. Oracle: a slot for each flag, corrupt as the only error,
// and the older form never yields what only the newer one has.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string file(cyrus::mailbox_header_magic());
  file.append(reinterpret_cast<const char*>(data), size);
  const auto header = cyrus::parse_mailbox_header(file, "header");
  if (!header) {
    CHECK(header.error().code == base::Errc::corrupt);
    return 0;
  }
  CHECK(header->user_flags.size() <= cyrus::kMaxUserFlags);
  const bool is_dlist = size >= 2 && data[0] == '%' && data[1] == '(';
  CHECK(is_dlist ? !header->uniqueid.empty() : header->intname.empty() && header->type.empty());
  return 0;
}
