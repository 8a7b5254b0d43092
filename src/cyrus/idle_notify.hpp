#pragma once

#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <string>

namespace cyrus {

/// What Cyrus 3.6's idled wants to be told of a changed mailbox: a C long in the byte order of this machine, then the
/// intname and a NUL. Pure.
std::string idle_message(const MailboxName& name);

/// Sends it to `idlesocket`, so that IMAP clients in IDLE hear of the change at once. Never waits; a daemon that is not
/// there or busy is no error, because clients also ask by themselves from time to time.
void notify_idle(const StoreConfig& config, const MailboxName& name) noexcept;

}  // namespace cyrus
