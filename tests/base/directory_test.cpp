#include "base/directory.hpp"

#include "base/file_io.hpp"
#include "base/file_write.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

namespace base {
namespace {

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pillarbox-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    root = pattern;
  }
  ~DirectoryTest() override { std::filesystem::remove_all(root); }

  std::filesystem::path root;
};

TEST_F(DirectoryTest, AllThatIsMissingIsMade) {
  ASSERT_TRUE(make_directories(root / "a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(root / "a/b/c"));
  EXPECT_TRUE(make_directories(root / "a/b/c"));
}

TEST_F(DirectoryTest, AFileInTheWayIsAnError) {
  std::ofstream(root / "a") << "file";
  EXPECT_FALSE(make_directories(root / "a"));
  EXPECT_FALSE(make_directories(root / "a/b"));
  EXPECT_EQ(sync_directory(root / "none").error().code, Errc::not_found);
}

TEST_F(DirectoryTest, AReplacedFileIsTheOldOrTheNewOne) {
  const auto file = root / "file";
  const auto next = root / "file.NEW";
  std::ofstream(next) << "what a crash left, longer than the new text";
  ASSERT_TRUE(replace_file(file, next, "one"));
  EXPECT_EQ(read_file(file, 100).value(), "one");
  EXPECT_FALSE(std::filesystem::exists(next));
  std::filesystem::create_directory(next);
  EXPECT_FALSE(replace_file(file, next, "two"));
  EXPECT_EQ(read_file(file, 100).value(), "one");
  EXPECT_EQ(replace_file(root / "none" / "file", root / "none" / "next", "x").error().code, Errc::not_found);
}

}  // namespace
}  // namespace base
