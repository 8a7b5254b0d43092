#include "cyrus/skiplist_reader.hpp"

#include "base/file_io.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace cyrus {
namespace {

TEST(SkiplistReader, WalksAFileOfARealCyrusToItsEnd) {
  const support::SampleStore store("cyrus361-legacy-conv");
  const auto text = base::read_file(store.root() / "conf/user/a/ann.lee.conversations", 65536);
  ASSERT_TRUE(text);
  const ReadAt read = [&text](std::span<unsigned char> into, std::uint64_t offset) -> base::Result<std::size_t> {
    return text->copy(reinterpret_cast<char*>(into.data()), into.size(), static_cast<std::size_t>(offset));
  };
  std::set<std::string> keys;
  const auto done = walk_skiplist(read, text->size(), "conversations", false, [&keys](TwoskipItem&& item) {
    keys.insert(std::move(item.key));
    return true;
  });
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(keys.contains("$FOLDER_IDS"));
  EXPECT_EQ(std::ranges::count_if(keys, [](const std::string& key) { return key.starts_with('<'); }), 3);
}

}  // namespace
}  // namespace cyrus
