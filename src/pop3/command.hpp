#pragma once

#include "base/secret.hpp"
#include "maildrop/maildrop.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>

/// POP3 without a socket, a clock or a disk: lines become commands, commands become replies.
namespace pop3 {

using maildrop::MessageNumber;

struct Quit {};
struct Capa {};

// AUTHORIZATION
struct User {
  std::string name;
};
struct Pass {
  base::Secret password;
};
struct Apop {
  std::string name;
  std::string digest;
};
struct Auth {
  std::string mechanism;                        ///< empty: bare AUTH, list the mechanisms
  std::optional<std::string> initial_response;  ///< as sent, base64; "=" is an empty response (RFC 5034 s4)
};
struct Stls {};

// TRANSACTION
struct Stat {};
struct List {
  std::optional<MessageNumber> number;
};
struct Uidl {
  std::optional<MessageNumber> number;
};
struct Retr {
  MessageNumber number;
};
struct Dele {
  MessageNumber number;
};
struct Noop {};
struct Rset {};
struct Top {
  MessageNumber number;
  std::uint32_t lines;
};

using Command = std::variant<Quit, Capa, User, Pass, Apop, Auth, Stls, Stat, List, Uidl, Retr, Dele, Noop, Rset, Top>;

/// RFC 1939 s3. UPDATE has no commands.
enum class State { authorization, transaction };

}  // namespace pop3
