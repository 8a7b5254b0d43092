#include "tools/pillarbox/commands.hpp"

namespace tools {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> table = [] {
    std::vector<Command> all;
    for (auto* const commands : {user_commands, store_commands, mailbox_commands, deliver_commands, import_commands,
                                 check_commands, config_commands}) {
      for (Command& command : commands()) all.push_back(std::move(command));
    }
    return all;
  }();
  return table;
}

}  // namespace tools
