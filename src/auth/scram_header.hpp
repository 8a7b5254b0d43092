#pragma once

#include <optional>
#include <string_view>

namespace auth {

/// What the first message of a SCRAM client says about channel binding (RFC 5802 s5.1): the GS2 header's flag.
struct ScramHeader {
  enum class Flag {
    none,    ///< n: the client cannot bind
    unseen,  ///< y: it could, and believes that the server cannot
    used,    ///< p: it binds
  };
  Flag flag;
  std::string_view binding;  ///< the name behind "p=", a part of the message; else empty
};

/// True for "SCRAM-..." in either case.
bool is_scram(std::string_view mechanism);

/// Reads the header. nullopt: not one. Pure; any octets are fine.
std::optional<ScramHeader> scram_header(std::string_view message);

/// What the channel and the offer have to do with the binding of one exchange.
struct ScramOffer {
  std::string_view mechanism;  ///< that the client chose
  std::string_view binding;    ///< the one binding of this connection; empty: none
  bool plus = false;           ///< the offer had the -PLUS form of the mechanism
};

/// Why a first message must be refused; empty: it need not. libsasl2 2.1.28 takes each of these: a client that was
/// shown an offer without -PLUS by somebody in the middle (RFC 5802 s6), a -PLUS without a binding, a binding of
/// another name, and a binding without -PLUS.
std::string_view scram_objection(std::string_view message, const ScramOffer& offer);

}  // namespace auth
