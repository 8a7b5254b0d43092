#pragma once

#include "pop3/authorization.hpp"
#include "pop3/body_encoder.hpp"
#include "pop3/capabilities.hpp"
#include "pop3/listing.hpp"
#include "pop3/parse_command.hpp"
#include "pop3/transact.hpp"
#include "support/memory_mailbox.hpp"

#include <string>
#include <string_view>

namespace pop3 {

/// The whole text of a reply, as the peer would receive it. A RETR that succeeds leaves its mark, as in a session.
inline std::string text(const Reply& reply, maildrop::Maildrop& drop) {
  std::string out;
  if (const auto* line = std::get_if<Line>(&reply)) {
    out = line->text;
  } else if (const auto* listing = std::get_if<Listing>(&reply)) {
    ListingWriter writer(listing->kind, drop);
    while (writer.write(out, 100)) {
    }
  } else {
    const Body& body = std::get<Body>(reply);
    const auto message = drop.open(body.number, maildrop::Access::may_block);
    if (!message) return could_not_read_message(message.error()).text;
    std::string bytes((*message)->size(), '\0');
    const auto got = (*message)->read(bytes, 0, maildrop::Access::may_block);
    if (!got) return could_not_read_message(got.error()).text;
    out = kMessageFollows;
    BodyEncoder encoder(body.top_lines);
    encoder.encode(bytes, out);
    encoder.finish(out);
    if (!body.top_lines) drop.mark_retrieved(body.number);
  }
  return out;
}

/// What the peer receives for one line in the TRANSACTION state. QUIT and CAPA come back as their own names.
inline std::string say(std::string_view line, maildrop::Maildrop& drop, Deletion deletion = Deletion::allowed) {
  const auto command = parse_command(line, State::transaction);
  if (!command) return command.error().reply.text;
  if (std::holds_alternative<Quit>(*command)) return "<quit>";
  if (std::holds_alternative<Capa>(*command)) return "<capa>";
  return text(transact(*command, drop, deletion), drop);
}

/// What the peer receives for one line in the AUTHORIZATION state, or in angle brackets what the session does next.
inline std::string say(std::string_view line, Authorization& authorization, const LoginRules& rules) {
  auto command = parse_command(line, State::authorization);
  if (!command) return command.error().reply.text;
  if (std::holds_alternative<Quit>(*command)) return "<quit>";
  if (std::holds_alternative<Capa>(*command)) return "<capa>";
  const AuthorizationStep step = authorization.step(std::move(*command), rules);
  if (const auto* line_reply = std::get_if<Line>(&step)) return line_reply->text;
  if (const auto* refused = std::get_if<RefuseName>(&step)) return refused->reply.text;
  if (const auto* check = std::get_if<CheckPassword>(&step)) {
    return "<check " + check->user + ":" + std::string(check->password.view()) + ">";
  }
  if (const auto* apop = std::get_if<CheckApop>(&step)) return "<apop " + apop->user + " " + apop->digest + ">";
  if (const auto* sasl = std::get_if<StartSasl>(&step)) {
    return "<sasl " + sasl->mechanism + (sasl->initial_response ? " '" + *sasl->initial_response + "'>" : ">");
  }
  return std::holds_alternative<StartTls>(step) ? "<tls>" : "<mechanisms>";
}

}  // namespace pop3
