#include "net/ticket_keys.hpp"

#include "base/check.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace net {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::string_view kHeader = "pillarbox ticket keys 1\n";
/// Clocks of machines that share a file may differ by that.
constexpr std::int64_t kClockSlack = 60;

/// How long the newest key is used for new tickets.
std::int64_t generation(std::int64_t lifetime) {
  return std::max<std::int64_t>(lifetime / TicketKeys::kGenerations, 1);
}

void put_hex(std::string& out, std::span<const unsigned char> octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += ' ';
  for (const unsigned char octet : octets) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Takes a blank and as many octets as `into` holds, in hex, off the front of `line`.
bool take_hex(std::string_view& line, std::span<unsigned char> into) {
  if (line.size() < 1 + 2 * into.size() || line.front() != ' ') return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const int high = hex_value(line[1 + 2 * i]);
    const int low = hex_value(line[2 + 2 * i]);
    if (high < 0 || low < 0) return false;
    into[i] = static_cast<unsigned char>(high << 4 | low);
  }
  line.remove_prefix(1 + 2 * into.size());
  return true;
}

bool parse_key(std::string_view line, TicketKey& key) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), key.made);
  if (error != std::errc() || key.made < 0) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return take_hex(line, key.name) && take_hex(line, key.cipher) && take_hex(line, key.mac) && line.empty();
}

}  // namespace

TicketKey::~TicketKey() {
  ::explicit_bzero(cipher.data(), cipher.size());
  ::explicit_bzero(mac.data(), mac.size());
}

Result<TicketKeys> TicketKeys::parse(std::string_view text) {
  if (!text.starts_with(kHeader)) return fail(Errc::corrupt, "does not begin as a file of ticket keys");
  text.remove_prefix(kHeader.size());
  TicketKeys out;
  out.keys_.reserve(kMaxKeys);  // growing would leave copies behind
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return fail(Errc::corrupt, "the last line has no end");
    if (out.keys_.size() == kMaxKeys) return fail(Errc::corrupt, "too many keys");
    TicketKey key;
    if (!parse_key(text.substr(0, end), key)) return fail(Errc::corrupt, "a line is no key");
    if (out.find(key.name) != nullptr) return fail(Errc::corrupt, "a key is there twice");
    out.keys_.push_back(key);
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string TicketKeys::text() const {
  std::string out;
  out.reserve(kHeader.size() + keys_.size() * 200);  // growing would leave copies behind
  out += kHeader;
  for (const TicketKey& key : keys_) {
    out += std::to_string(key.made);
    put_hex(out, key.name);
    put_hex(out, key.cipher);
    put_hex(out, key.mac);
    out += '\n';
  }
  return out;
}

bool TicketKeys::is_due(std::int64_t now, std::int64_t lifetime) const {
  return keys_.empty() || newest().made > now + kClockSlack || newest().made <= now - generation(lifetime);
}

TicketKeys TicketKeys::rotated(std::int64_t now, std::int64_t lifetime) const {
  TicketKeys out;
  out.keys_.reserve(kMaxKeys);
  TicketKey fresh;
  fresh.made = now;
  CHECK(RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) == 1);
  CHECK(RAND_priv_bytes(fresh.cipher.data(), static_cast<int>(fresh.cipher.size())) == 1);
  CHECK(RAND_priv_bytes(fresh.mac.data(), static_cast<int>(fresh.mac.size())) == 1);
  out.keys_.push_back(fresh);
  for (const TicketKey& key : keys_) {
    const bool has_tickets =
        key.made <= now + kClockSlack && now - key.made <= generation(lifetime) + lifetime + kClockSlack;
    if (has_tickets && out.keys_.size() < kMaxKeys) out.keys_.push_back(key);
  }
  return out;
}

const TicketKey* TicketKeys::find(std::span<const unsigned char, TicketKey::kNameOctets> name) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [name](const TicketKey& key) {
    return std::equal(name.begin(), name.end(), key.name.begin());
  });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace net
