#include "server/proc_entry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace server {
namespace {

namespace fs = std::filesystem;

class ProcEntryTest : public ::testing::Test {
 protected:
  ProcEntryTest() {
    std::string name = (fs::temp_directory_path() / "proc-entry-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::system_category(), "mkdtemp");
    root_ = name;
  }
  ~ProcEntryTest() override { fs::remove_all(root_); }

  fs::path file() const { return root_ / std::to_string(::getpid()); }
  std::string content() const {
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path root_;
  std::vector<std::string> lines_;
  base::Log log_{[this](base::Severity, std::string_view text) { lines_.emplace_back(text); }};
};

TEST_F(ProcEntryTest, ShowsTheSessionAndIsGoneWithIt) {
  {
    ProcEntry entry(root_.native(), "pop3", log_);
    EXPECT_FALSE(fs::exists(file()));
    entry.show("localhost [127.0.0.1]", "", "");
    EXPECT_EQ(content(), "pop3\tlocalhost [127.0.0.1]\t\t\t\n");
    entry.show("localhost [127.0.0.1]", "alice", "user.alice");
    EXPECT_EQ(content(), "pop3\tlocalhost [127.0.0.1]\talice\tuser.alice\t\n");
  }
  EXPECT_TRUE(fs::is_empty(root_));
  EXPECT_TRUE(lines_.empty());
}

TEST_F(ProcEntryTest, MakesTheDirectory) {
  root_ /= "proc";
  ProcEntry entry(root_.native() + "/", "pop3", log_);
  entry.show("[127.0.0.1]", "", "");
  EXPECT_EQ(content(), "pop3\t[127.0.0.1]\t\t\t\n");
}

TEST_F(ProcEntryTest, AFieldStaysOneField) {
  ProcEntry entry(root_.native(), "pop3", log_);
  entry.show("[127.0.0.1]", "a\tb\nc", "");
  const std::string line = content();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 4);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST_F(ProcEntryTest, WithoutADirectoryItWritesNothing) {
  ProcEntry entry("", "pop3", log_);
  entry.show("[127.0.0.1]", "alice", "user.alice");
  EXPECT_TRUE(fs::is_empty(root_));
  EXPECT_TRUE(lines_.empty());
}

TEST_F(ProcEntryTest, AFailureIsLogged) {
  std::ofstream(root_ / "file").put('x');
  ProcEntry entry((root_ / "file").native(), "pop3", log_);
  entry.show("[127.0.0.1]", "alice", "user.alice");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(lines_[0].starts_with("unable to register process: ")) << lines_[0];
}

}  // namespace
}  // namespace server
