#pragma once

#include "pop3/authorization.hpp"
#include "pop3/command.hpp"
#include "pop3/reply.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pop3 {

/// Option serverinfo.
enum class ServerInfo { off, min, on };

struct CapabilityFacts {
  State state = State::authorization;
  LoginRules rules;
  bool sasl_layer = false;              ///< a security layer of SASL's is on
  std::string_view mechanisms;          ///< "PLAIN LOGIN", may be empty
  std::optional<unsigned> expire_days;  ///< nullopt: NEVER
  unsigned login_delay_seconds = 0;
  ServerInfo server_info = ServerInfo::on;
  std::string_view version;
};

/// The CAPA reply (RFC 2449 s5), in the order of the original.
Line capabilities(const CapabilityFacts& facts);

/// The greeting, without APOP challenge when `challenge` is empty (RFC 1939 s4). Names with which it would be longer
/// than kMaxReplyOctets are left out. Cyrus: a blank stands before the place of the challenge even when there is none.
Line greeting(ServerInfo info, std::string_view server_name, std::string_view version, std::string_view challenge);

/// Answer to bare AUTH: "+OK List of supported mechanisms follows" (RFC 5034 s4).
Line mechanism_list(std::string_view mechanisms);

}  // namespace pop3
