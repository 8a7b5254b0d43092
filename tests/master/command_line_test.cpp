#include "master/command_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace master {
namespace {

TEST(CommandLine, WithoutOptionsTheDefaultsStand) {
  const auto line = parse_command_line({});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->imapd_conf, "/etc/imapd.conf");
  EXPECT_EQ(line->cyrus_conf, "/etc/cyrus.conf");
  EXPECT_EQ(line->backlog, 32);
  EXPECT_EQ(line->shutdown_limit.count(), 30);
  EXPECT_FALSE(line->background);
}

TEST(CommandLine, EachOptionIsRead) {
  const auto line = parse_command_line(
      {"-C", "/a", "-M", "/b", "-p", "/c", "-r", "/d", "-L", "/e", "-l", "64", "-j", "2", "-t", "5", "-d", "-v", "-V"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->imapd_conf, "/a");
  EXPECT_EQ(line->cyrus_conf, "/b");
  EXPECT_EQ(line->pid_file, "/c");
  EXPECT_EQ(line->ready_file, "/d");
  EXPECT_EQ(line->output_file, "/e");
  EXPECT_EQ(line->backlog, 64);
  EXPECT_EQ(line->shutdown_limit.count(), 5);
  EXPECT_TRUE(line->background);
  EXPECT_TRUE(line->verbose);
  EXPECT_TRUE(line->version);
}

TEST(CommandLine, FlagsAndValuesMayBeJoined) {
  const auto line = parse_command_line({"-vDM/etc/other.conf", "-l8"});
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(line->verbose);
  EXPECT_TRUE(line->keep_output);
  EXPECT_EQ(line->cyrus_conf, "/etc/other.conf");
  EXPECT_EQ(line->backlog, 8);
}

TEST(CommandLine, WhatIsWrongIsAUsageError) {
  const std::vector<std::vector<std::string>> wrong{
      {"-e"},       {"-x"},   {"--help"}, {"-C"},       {"-C", ""}, {"-l", "0"},   {"-l", "x"},          {"-t", ""},
      {"-t", "-1"}, {"file"}, {"-"},      {"-d", "-D"}, {""},       {"-l", "1e9"}, {"-l", "99999999999"}};
  for (const auto& arguments : wrong) {
    const auto line = parse_command_line(arguments);
    ASSERT_FALSE(line.has_value()) << arguments.front();
    EXPECT_EQ(line.error().errnum, 64) << arguments.front();
  }
}

TEST(CommandLine, AJanitorPeriodBelowOneIsAConfigurationError) {
  const auto line = parse_command_line({"-j", "0"});
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().errnum, 78);
  EXPECT_EQ(line.error().text, "The janitor period must be at least 1 second");
}

TEST(CommandLine, DaemonAndDebugTogetherAreRefusedInTheOriginalWords) {
  EXPECT_EQ(parse_command_line({"-dD"}).error().text, "Unable to be both debug and daemon mode");
}

}  // namespace
}  // namespace master
