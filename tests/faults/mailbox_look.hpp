#pragma once

#include "cyrus/store.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace faults {

/// What stands in one mailbox, read from the files without the code that sessions use.
struct MailboxLook {
  struct Message {
    std::uint32_t flags = 0;
    std::string file;  ///< the message file that there is for it; empty: none
  };

  std::string index_file;
  std::map<std::uint32_t, Message> messages;  ///< by uid, expunged ones included
  std::string problem;                        ///< what is wrong with the mailbox; empty: nothing
};

/// Looks at the INBOX or folder `name`. A mailbox that cannot be read is a problem, not a failure.
MailboxLook look_at(const cyrus::MaildropName& name, const cyrus::StoreConfig& config);

}  // namespace faults
