#include "config/conf_file.hpp"
#include "config/imapd_conf.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

namespace {

using config::ImapdConf;
using config::Option;

/// A fresh folder for the files of one test.
class ImapdConfLoad : public ::testing::Test {
 protected:
  ImapdConfLoad() {
    std::string name = (std::filesystem::temp_directory_path() / "imapd-conf.XXXXXX").native();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~ImapdConfLoad() override {
    unsetenv("CYRUS_PREFIX");
    std::error_code ignored;  // a folder that stays behind must not fail a test that passed
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string write(const std::string& name, const std::string& text) const {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.native();
  }

  std::filesystem::path folder_;
};

constexpr const char* kLeast = "configdirectory: /c\npartition-default: /s\n";

TEST_F(ImapdConfLoad, ReadsTheFileAndWhatItIncludes) {
  const std::string more = write("more.conf", "servername: included\n");
  const auto conf = ImapdConf::load(write("imapd.conf", kLeast + ("@include: " + more + "\n")), "pop3");
  ASSERT_TRUE(conf) << conf.error().text;
  EXPECT_EQ(conf->text(Option::servername), "included");
  EXPECT_EQ(conf->file(), folder_ / "imapd.conf");
}

TEST_F(ImapdConfLoad, NamesTheFileThatIsMissing) {
  const std::string missing = (folder_ / "none").native();
  const auto conf = ImapdConf::load(missing, "pop3");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, base::Errc::not_found);
  EXPECT_EQ(conf.error().errnum, ENOENT);
  EXPECT_EQ(conf.error().text, "can't open configuration file " + missing + ": No such file or directory");
}

TEST_F(ImapdConfLoad, NamesTheLineThatIncludesAMissingFile) {
  const std::string missing = (folder_ / "none").native();
  const std::string file = write("imapd.conf", "\n@include: " + missing + "\n");
  const auto conf = ImapdConf::load(file, "pop3");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().text,
            file + ": line 2: can't open configuration file " + missing + ": No such file or directory");
}

TEST_F(ImapdConfLoad, RefusesAFifoInsteadOfWaitingForIt) {
  const std::string fifo = (folder_ / "fifo").native();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto conf = ImapdConf::load(fifo, "pop3");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, base::Errc::invalid);
  const auto including = ImapdConf::load(write("imapd.conf", "@include: " + fifo + "\n"), "pop3");
  ASSERT_FALSE(including);
  EXPECT_EQ(including.error().code, base::Errc::invalid);
}

TEST_F(ImapdConfLoad, RefusesAFolder) {
  const auto conf = ImapdConf::load(folder_, "pop3");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, base::Errc::invalid);
}

TEST_F(ImapdConfLoad, RefusesAFileAboveTheLimit) {
  const std::string file = write("imapd.conf", kLeast + std::string(config::kMaxConfFileBytes, '\n'));
  const auto conf = ImapdConf::load(file, "pop3");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, base::Errc::limit);
}

TEST_F(ImapdConfLoad, TriesThePrefixOfTheEnvironmentFirstAlsoForIncludes) {
  const std::string plain_include = write("more.conf", "servername: plain\n");
  const std::string file = write("imapd.conf", kLeast + ("@include: " + plain_include + "\n"));
  const std::string prefix = (folder_ / "prefix").native();
  write("prefix" + plain_include, "servername: prefixed\n");
  setenv("CYRUS_PREFIX", prefix.c_str(), 1);
  const auto conf = ImapdConf::load(file, "pop3");
  ASSERT_TRUE(conf) << conf.error().text;
  EXPECT_EQ(conf->text(Option::servername), "prefixed");
}

TEST_F(ImapdConfLoad, TakesTheFileBelowThePrefixAlsoWhenThePlainOneExists) {
  const std::string file = write("imapd.conf", kLeast + std::string("servername: plain\n"));
  const std::string prefix = (folder_ / "prefix").native();
  write("prefix" + file, kLeast + std::string("servername: prefixed\n"));
  setenv("CYRUS_PREFIX", prefix.c_str(), 1);
  const auto conf = ImapdConf::load(file, "pop3");
  ASSERT_TRUE(conf) << conf.error().text;
  EXPECT_EQ(conf->text(Option::servername), "prefixed");
}

}  // namespace
