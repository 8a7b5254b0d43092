#include "server/debug_command.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace server {
namespace {

std::string expanded(std::string_view option) {
  const auto text = expand_debug_command(option, "/usr/lib/pop3d", 4711, "pop3");
  return text ? *text : "refused: " + text.error().text;
}

TEST(DebugCommand, GetsProgramProcessIdAndServiceInThisOrder) {
  EXPECT_EQ(expanded("gdb -p %2$d %1$s"), "gdb -p 4711 /usr/lib/pop3d");
  EXPECT_EQ(expanded("x %s %d %s &"), "x /usr/lib/pop3d 4711 pop3 &");
  EXPECT_EQ(expanded("x %s %s"), "x /usr/lib/pop3d 4711");
  EXPECT_EQ(expanded("strace -o /tmp/%3$s"), "strace -o /tmp/pop3");
  EXPECT_EQ(expanded("date +%%s"), "date +%s");
  EXPECT_EQ(expanded("true"), "true");
}

TEST(DebugCommand, OtherConversionsAreRefused) {
  for (const std::string_view option :
       {"%n", "%d", "%s %x", "%5s", "%", "%1$d", "%2$", "%4$s", "%s %d %s %s", "%s %d %d"}) {
    EXPECT_TRUE(expanded(option).starts_with("refused: debug_command: ")) << expanded(option);
  }
}

TEST(DebugCommand, IsNotCutWhereItIsTooLong) {
  EXPECT_EQ(expanded(std::string(1023, 'x')).size(), 1023U);
  EXPECT_TRUE(expanded(std::string(1024, 'x')).starts_with("refused: "));
}

TEST(DebugCommand, WhatWentWrongIsLogged) {
  std::vector<std::string> lines;
  const base::Log log([&](base::Severity, std::string_view line) { lines.emplace_back(line); });
  run_debug_command("exit 3", true, log);
  run_debug_command("kill -TERM $$", true, log);
  EXPECT_EQ(lines, (std::vector<std::string>{"-D: exit 3", "-D: debug_command ended with status 3", "-D: kill -TERM $$",
                                             "-D: debug_command was ended by signal 15"}));
}

}  // namespace
}  // namespace server
