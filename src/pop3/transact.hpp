#pragma once

#include "pop3/command.hpp"
#include "pop3/reply.hpp"

namespace pop3 {

/// Whether DELE may mark messages.
enum class Deletion {
  allowed,
  denied,     ///< option popuseacl, and the user has no right to delete here
  read_only,  ///< option readonly
};

/// Carries out one command of the TRANSACTION state, except QUIT and CAPA, on the session's maildrop (RFC 1939 s5, s7;
/// one function per command in transact.cpp). RETR and TOP come back as a Body to open.
///
/// Nothing is marked as retrieved here: the session does that when a RETR (never a TOP: clients read by TOP n 99999999
/// just to avoid the mark) has been written to its end. Cyrus marks a message that could not be read, too. Commands
/// that are none of this state's get "-ERR Unrecognized command".
Reply transact(const Command& command, maildrop::Maildrop& drop, Deletion deletion = Deletion::allowed);

}  // namespace pop3
