#include "base/check.hpp"
#include "net/ticket_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto keys = net::TicketKeys::parse({reinterpret_cast<const char*>(data), size});
  if (!keys) return 0;
  CHECK(keys->size() <= net::TicketKeys::kMaxKeys);
  const auto again = net::TicketKeys::parse(keys->text());
  CHECK(again && again->text() == keys->text());
  const auto next = keys->rotated(1'800'000'000, 86400);
  CHECK(next.size() <= net::TicketKeys::kMaxKeys && !next.is_due(1'800'000'000, 86400));
  CHECK(net::TicketKeys::parse(next.text()).has_value());
  return 0;
}
