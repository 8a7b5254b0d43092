#include "tools/pillarbox/import_source.hpp"

#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace tools {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

void fill(const fs::path& directory, const Names& names) {
  fs::create_directories(directory);
  for (const auto& name : names) std::ofstream(directory / name) << "Subject: x\n\n";
}

Names names_of(const ImportSource& source) {
  Names names;
  for (const auto& file : source.files) names.push_back(file.filename());
  return names;
}

TEST(ImportSource, TakesAMaildirInTheOrderOfDelivery) {
  const support::TempDirectory directory;
  // The fraction of the second as some programs write it, without zeros in front.
  fill(directory.path() / "cur", {"1795694400.M98765P7Q1.host:2,S", "1795694400.M400000P7Q10.host:2,", "999.old:2,"});
  fill(directory.path() / "new", {"1795694400.M400000P7Q9.host", "1795694401.M5P7Q11.host", ".hidden"});
  const auto source = find_import_source(directory.path());
  ASSERT_TRUE(source) << source.error().text;
  EXPECT_EQ(source->kind, ImportSource::Kind::maildir);
  EXPECT_EQ(names_of(*source), (Names{"999.old:2,", "1795694400.M98765P7Q1.host:2,S", "1795694400.M400000P7Q9.host",
                                      "1795694400.M400000P7Q10.host:2,", "1795694401.M5P7Q11.host"}));
}

TEST(ImportSource, TakesNumberedFilesInTheirOrder) {
  const support::TempDirectory directory;
  fill(directory.path(), {"10.eml", "2.EML", "1.eml", "readme.txt"});
  const auto source = find_import_source(directory.path());
  ASSERT_TRUE(source) << source.error().text;
  EXPECT_EQ(source->kind, ImportSource::Kind::directory);
  EXPECT_EQ(names_of(*source), (Names{"1.eml", "2.EML", "10.eml"}));
}

TEST(ImportSource, NamesTheFoldersThatItLeavesOut) {
  const support::TempDirectory directory;
  fill(directory.path() / "cur", {"1.a:2,"});
  fill(directory.path() / ".Work/cur", {"2.a:2,"});
  fill(directory.path() / ".notes", {"no folder"});
  const auto source = find_import_source(directory.path());
  ASSERT_TRUE(source) << source.error().text;
  EXPECT_EQ(names_of(*source), Names{"1.a:2,"});
  EXPECT_EQ(source->folders_left_out, std::vector<fs::path>{directory.path() / ".Work"});
}

TEST(ImportSource, IsNoDirectoryWithoutMessages) {
  const support::TempDirectory directory;
  fill(directory.path(), {"readme.txt"});
  const auto source = find_import_source(directory.path());
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, base::Errc::not_found);
  EXPECT_NE(source.error().text.find("nothing to import"), std::string::npos) << source.error().text;
  fs::create_directory(directory.path() / "new");  // an empty Maildir is one
  EXPECT_TRUE(find_import_source(directory.path()));
}

}  // namespace
}  // namespace tools
