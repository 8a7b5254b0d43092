#include "cyrus/message_file.hpp"

#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using maildrop::Access;

class MessageFileTest : public ::testing::Test {
 protected:
  fs::path write(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    return file_;
  }

  /// The kind of failure; a test failure itself when the file could be opened.
  static Errc failure(const fs::path& file, std::uint64_t octets, Access access = Access::may_block) {
    const auto message = open_message_file(file, octets, access, "mailbox user.ann");
    if (message) {
      ADD_FAILURE() << "opened " << file;
      return Errc::io;
    }
    EXPECT_EQ(message.error().text.find("mailbox user.ann: " + file.native()), 0u) << message.error().text;
    return message.error().code;
  }

  support::TempDirectory directory_;
  fs::path file_ = directory_.path() / "1.";
};

TEST_F(MessageFileTest, ReadsWhatIsThere) {
  const auto message =
      open_message_file(write("Subject: a\r\n\r\nbody\r\n"), 20, Access::may_block, "mailbox user.ann");
  ASSERT_TRUE(message) << message.error().text;
  EXPECT_EQ((*message)->size(), 20u);
  std::string text(64, '\0');
  auto got = (*message)->read(text, 0, Access::may_block);
  ASSERT_TRUE(got);
  EXPECT_EQ(text.substr(0, *got), "Subject: a\r\n\r\nbody\r\n");
  got = (*message)->read(text, 14, Access::may_block);
  ASSERT_TRUE(got);
  EXPECT_EQ(text.substr(0, *got), "body\r\n");
}

TEST_F(MessageFileTest, ReadsNothingAtTheEndAndBeyond) {
  const auto message = open_message_file(write("abc"), 3, Access::may_block, "mailbox user.ann");
  ASSERT_TRUE(message);
  std::string text(8, '\0');
  EXPECT_EQ((*message)->read(text, 3, Access::may_block), std::size_t{0});
  EXPECT_EQ((*message)->read(text, ~std::uint64_t{0}, Access::may_block), std::size_t{0});
  EXPECT_EQ((*message)->read({}, 0, Access::may_block), std::size_t{0});
}

TEST_F(MessageFileTest, OpensAnEmptyMessageWhenTheIndexSaysSo) {
  const auto message = open_message_file(write(""), 0, Access::may_block, "mailbox user.ann");
  ASSERT_TRUE(message);
  EXPECT_EQ((*message)->size(), 0u);
}

TEST_F(MessageFileTest, FromTheCacheIsReadLikeFromDiskOrSaysThatItWouldBlock) {
  write("abc");
  // Just written, so its pages are in the cache; whether the name lookup may be answered from there is the kernel's
  // choice, and then the caller asks again from the pool.
  const auto message = open_message_file(file_, 3, Access::cached_only, "mailbox user.ann");
  if (!message) {
    EXPECT_EQ(message.error().code, Errc::would_block);
    return;
  }
  std::string text(3, '\0');
  const auto got = (*message)->read(text, 0, Access::cached_only);
  if (!got) {
    EXPECT_EQ(got.error().code, Errc::would_block);
    return;
  }
  EXPECT_EQ(text.substr(0, *got), "abc");
}

TEST_F(MessageFileTest, RefusesAnotherSizeAndNamesBoth) {
  const auto message = open_message_file(write("abc"), 4, Access::may_block, "mailbox user.ann");
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, Errc::corrupt);
  EXPECT_NE(message.error().text.find("3 octets, but cyrus.index says 4"), std::string::npos) << message.error().text;
  EXPECT_EQ(failure(file_, 2), Errc::corrupt);
}

TEST_F(MessageFileTest, ThatShrinksWhileItIsReadIsCorrupt) {
  const auto message = open_message_file(write("0123456789"), 10, Access::may_block, "mailbox user.ann");
  ASSERT_TRUE(message);
  fs::resize_file(file_, 4);
  std::string text(10, '\0');
  for (const std::uint64_t offset : {0u, 4u, 8u}) {
    const auto got = (*message)->read(text, offset, Access::may_block);
    ASSERT_FALSE(got) << offset;
    EXPECT_EQ(got.error().code, Errc::corrupt);
  }
}

TEST_F(MessageFileTest, ThatGrowsIsSentAsItWasListed) {
  const auto message = open_message_file(write("0123"), 4, Access::may_block, "mailbox user.ann");
  ASSERT_TRUE(message);
  write("0123456789");
  std::string text(10, '\0');
  EXPECT_EQ((*message)->read(text, 0, Access::may_block), std::size_t{4});
  EXPECT_EQ((*message)->read(text, 4, Access::may_block), std::size_t{0});
}

TEST_F(MessageFileTest, StaysReadableWhenItIsRemoved) {
  const auto message = open_message_file(write("0123"), 4, Access::may_block, "mailbox user.ann");
  ASSERT_TRUE(message);
  fs::remove(file_);
  std::string text(4, '\0');
  EXPECT_EQ((*message)->read(text, 0, Access::may_block), std::size_t{4});
  EXPECT_EQ(text, "0123");
}

TEST_F(MessageFileTest, ThatIsMissingIsNotFound) { EXPECT_EQ(failure(file_, 4), Errc::not_found); }

TEST_F(MessageFileTest, MustNotBeASymbolicLink) {
  write("abc");
  const fs::path link = directory_.path() / "2.";
  fs::create_symlink(file_, link);
  EXPECT_EQ(failure(link, 3), Errc::corrupt);
  EXPECT_EQ(failure(link, 3, Access::cached_only), Errc::corrupt);
}

TEST_F(MessageFileTest, MustNotBeReachedThroughASymbolicLink) {
  write("abc");
  fs::create_directory_symlink(directory_.path(), directory_.path() / "elsewhere");
  EXPECT_EQ(failure(directory_.path() / "elsewhere" / "1.", 3), Errc::corrupt);
}

TEST_F(MessageFileTest, MustNotBeAFifoAndDoesNotWaitForOne) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(failure(file_, 0), Errc::corrupt);
}

TEST_F(MessageFileTest, MustNotBeADirectory) {
  fs::create_directory(file_);
  EXPECT_EQ(failure(file_, 0), Errc::corrupt);
}

TEST_F(MessageFileTest, MustNotBeASocket) {
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(file_.native().size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, file_.c_str(), file_.native().size());
  ASSERT_EQ(::bind(socket.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(failure(file_, 0), Errc::corrupt);
}

TEST_F(MessageFileTest, MustNotBeADevice) { EXPECT_EQ(failure("/dev/null", 0), Errc::corrupt); }

}  // namespace
}  // namespace cyrus
