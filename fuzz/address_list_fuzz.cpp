#include "base/check.hpp"
#include "mime/address_list.hpp"
#include "mime/imap_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Any octets as the value of an address field. What an address says was in the field, and groups are entries in pairs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mime::AddressList list = mime::parse_address_list({reinterpret_cast<const char*>(data), size});
  CHECK(list.size() <= mime::kMaxAddresses + 1);
  std::size_t octets = 0;
  for (const mime::Address& address : list) {
    CHECK(address.mailbox || !address.domain);
    CHECK(!address.name || !address.name->empty());
    if (address.mailbox) octets += address.mailbox->size();
    if (address.name) octets += address.name->size();
  }
  CHECK(octets <= size);
  std::string text;
  mime::append_search_addresses(text, list);
  return 0;
}
