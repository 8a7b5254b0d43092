#pragma once

#include "pop3/command.hpp"
#include "pop3/reply.hpp"

namespace pop3 {

/// Carries out one command of the TRANSACTION state, except QUIT and CAPA, on the session's maildrop (RFC 1939 s5, s7;
/// one function per command in transact.cpp). RETR and TOP come back as a Body to open.
Reply transact(const Command& command, maildrop::Maildrop& drop);

}  // namespace pop3
