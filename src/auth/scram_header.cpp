#include "auth/scram_header.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace auth {
namespace {

constexpr std::string_view kScram = "SCRAM-";
constexpr std::string_view kPlus = "-PLUS";

/// RFC 5802 s7: cb-name = 1*(ALPHA / DIGIT / "." / "-").
bool is_binding_name(std::string_view name) {
  const auto fits = [](char c) { return base::ascii::is_alnum(c) || c == '.' || c == '-'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

bool has_plus(std::string_view mechanism) {
  return mechanism.size() > kPlus.size() &&
         base::ascii::equal_ignoring_case(mechanism.substr(mechanism.size() - kPlus.size()), kPlus);
}

}  // namespace

bool is_scram(std::string_view mechanism) {
  return base::ascii::equal_ignoring_case(mechanism.substr(0, kScram.size()), kScram);
}

std::optional<ScramHeader> scram_header(std::string_view message) {
  using Flag = ScramHeader::Flag;
  const auto comma = message.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto flag = message.substr(0, comma);
  if (flag == "n") return ScramHeader{Flag::none, {}};
  if (flag == "y") return ScramHeader{Flag::unseen, {}};
  if (!flag.starts_with("p=") || !is_binding_name(flag.substr(2))) return std::nullopt;
  return ScramHeader{Flag::used, flag.substr(2)};
}

std::string_view scram_objection(std::string_view message, const ScramOffer& offer) {
  using Flag = ScramHeader::Flag;
  const auto header = scram_header(message);
  if (!header) return "no SCRAM header";
  if (has_plus(offer.mechanism)) {
    if (offer.binding.empty()) return "nothing to bind to";
    if (header->flag != Flag::used) return "-PLUS without channel binding";
    if (header->binding != offer.binding) return "channel binding of another kind";
    return {};
  }
  if (header->flag == Flag::used) return "channel binding without -PLUS";
  if (header->flag == Flag::unseen && offer.plus) return "offer of channel binding did not reach the client";
  return {};
}

}  // namespace auth
