// pillarbox(8), the administrator's command: finds the command in the table, runs it, and turns what became of it into
// one line and an exit status.

#include "tools/pillarbox/command_line.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/help.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <sysexits.h>
#include <vector>

namespace tools {
namespace {

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int run(const std::vector<std::string>& words) {
  Console console;
  const auto request = parse_command_line(words, all_commands());
  if (!request) {
    console.note(request.error().text);
    return EX_USAGE;
  }
  switch (request->kind) {
    case Request::Kind::version:
      return print("pillarbox " PILLARBOX_VERSION "\n");
    case Request::Kind::help:
      return print(request->command != nullptr ? help_of_command(*request->command)
                                               : help_of_group(all_commands(), request->group));
    case Request::Kind::run:
      break;
  }
  const auto result = request->command->run(request->arguments, console);
  if (!result) {
    console.note(result.error().text);
    return exit_status(result.error());
  }
  if (!console.flush()) {
    console.note("standard output: cannot be written");
    return EX_IOERR;
  }
  return *result;
}

}  // namespace
}  // namespace tools

int main(int argc, char** argv) {
  try {
    return tools::run(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pillarbox: %s\n", error.what());
    return EX_SOFTWARE;
  }
}
