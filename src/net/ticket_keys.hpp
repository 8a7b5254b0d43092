#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace net {

/// What one generation of session tickets is encrypted and signed with (RFC 5077 s4). Wiped when destroyed.
struct TicketKey {
  static constexpr std::size_t kNameOctets = 16;
  static constexpr std::size_t kSecretOctets = 32;

  std::array<unsigned char, kNameOctets> name{};      ///< stands in the ticket, in clear
  std::array<unsigned char, kSecretOctets> cipher{};  ///< AES-256-CBC
  std::array<unsigned char, kSecretOctets> mac{};     ///< HMAC-SHA-256
  std::int64_t made = 0;                              ///< seconds since 1970

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();
};

/// The keys of all tickets that can still be alive, newest first. New tickets are made with the newest. Pure: time is
/// an argument, in seconds since 1970; `lifetime` is that of a ticket.
class TicketKeys {
 public:
  /// More are never alive: a lifetime has kGenerations generations.
  static constexpr std::size_t kMaxKeys = 16;
  static constexpr std::int64_t kGenerations = 4;

  /// Reads what text() wrote (doc/format/tls-tickets.md). Errors: corrupt.
  static base::Result<TicketKeys> parse(std::string_view text);
  std::string text() const;

  /// True when there is no key that new tickets may be made with: none, one that has served its time, or one from a
  /// future that a wrong clock has seen.
  bool is_due(std::int64_t now, std::int64_t lifetime) const;
  /// These keys with a new one in front, without those whose tickets have all expired. Stops the process when the
  /// system has no randomness to give.
  TicketKeys rotated(std::int64_t now, std::int64_t lifetime) const;

  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  const TicketKey& newest() const { return keys_.front(); }
  /// nullptr: no key of ours, or too old a one.
  const TicketKey* find(std::span<const unsigned char, TicketKey::kNameOctets> name) const;

 private:
  std::vector<TicketKey> keys_;
};

}  // namespace net
