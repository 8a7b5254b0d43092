#include "auth/scram_header.hpp"
#include "base/check.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The first byte chooses mechanism and offer, the rest is a client's first message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view message{reinterpret_cast<const char*>(data) + 1, size - 1};
  auth::ScramOffer offer;
  const bool plus = (data[0] & 1) != 0;
  offer.mechanism = plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
  offer.binding = (data[0] & 2) != 0 ? "tls-exporter" : "";
  offer.plus = (data[0] & 4) != 0;

  const auto header = auth::scram_header(message);
  if (header) {
    CHECK(header->binding.empty() == (header->flag != auth::ScramHeader::Flag::used));
  }
  if (auth::scram_objection(message, offer).empty()) {
    CHECK(header);
    CHECK(!plus || (header->flag == auth::ScramHeader::Flag::used && header->binding == offer.binding));
    CHECK(plus || header->flag != auth::ScramHeader::Flag::used);
  }
  return 0;
}
