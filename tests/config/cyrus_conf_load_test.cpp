#include "config/cyrus_conf.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

TEST(CyrusConfLoad, ReadsTheFileAndNamesItInMessages) {
  std::string name = (std::filesystem::temp_directory_path() / "cyrus-conf.XXXXXX").native();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::string file = name + "/cyrus.conf";
  std::ofstream(file) << "DAEMON {\nd cmd=d\n}\n";
  const auto good = config::CyrusConf::load(file);
  std::ofstream(file) << "DAEMON {\nd cmd=\n}\n";
  const auto bad = config::CyrusConf::load(file);
  std::filesystem::remove_all(name);
  ASSERT_TRUE(good) << good.error().text;
  EXPECT_EQ(good->daemons.size(), 1U);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text, file + ": line 2: unable to find command for service 'd'");
}

TEST(CyrusConfLoad, NamesTheFileThatIsMissing) {
  const auto conf = config::CyrusConf::load("/nonexistent/cyrus.conf");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, base::Errc::not_found);
  EXPECT_EQ(conf.error().text, "can't open configuration file /nonexistent/cyrus.conf: No such file or directory");
}

}  // namespace
