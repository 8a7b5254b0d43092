#include "service/status.hpp"

#include "service/pipe_pair.hpp"
#include "service/status_reader.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace service {
namespace {

void write_bytes(int fd, const std::vector<std::byte>& bytes) {
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

TEST(Status, IsTwoNativeIntegersOnTheWire) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "the octets below are those of a little-endian host";
  const std::array<std::byte, kStatusBytes> expected{std::byte{2},    std::byte{0},    std::byte{0}, std::byte{0},
                                                     std::byte{0x81}, std::byte{0x73}, std::byte{0}, std::byte{0}};
  EXPECT_EQ(encode(Status{2, 0x7381}), expected);
}

RC_GTEST_PROP(Status, DecodeUndoesEncode, (std::int32_t message, std::int32_t pid)) {
  const Status status = decode(encode(Status{message, pid}));
  RC_ASSERT(status.message == message);
  RC_ASSERT(status.pid == pid);
}

TEST(StatusPipe, SendsTheMessageWithOurPid) {
  const PipePair pipe;
  const StatusPipe status(pipe.write.value());
  ASSERT_TRUE(status.send(Message::unavailable).has_value());
  ASSERT_TRUE(status.send(Message::connection).has_value());
  const auto batch = read_statuses(pipe.read.value());
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->messages.size(), 2U);
  EXPECT_EQ(batch->messages[0].message, 2);
  EXPECT_EQ(batch->messages[1].message, 3);
  EXPECT_EQ(batch->messages[0].pid, ::getpid());
  EXPECT_EQ(batch->stray_bytes, 0U);
}

TEST(StatusPipe, WithoutAMasterNothingIsSentAndNothingFails) {
  EXPECT_TRUE(StatusPipe(-1).send(Message::available).has_value());
}

TEST(StatusPipe, AMasterThatIsGoneIsClosed) {
  PipePair pipe;
  pipe.read.reset();
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto sent = StatusPipe(pipe.write.value()).send(Message::available);
  ::signal(SIGPIPE, old);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, base::Errc::closed);
  EXPECT_EQ(sent.error().text, "unable to tell master 1: Broken pipe");
}

TEST(StatusPipe, AFullPipeOnANonBlockingDescriptorWouldBlock) {
  const PipePair pipe;
  ASSERT_EQ(::fcntl(pipe.write.value(), F_SETFL, O_NONBLOCK), 0);
  const StatusPipe status(pipe.write.value());
  base::Result<void> sent;
  for (int i = 0; i < 1'000'000 && sent; ++i) sent = status.send(Message::available);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, base::Errc::would_block);
}

TEST(ReadStatuses, AnEmptyPipeGivesNothingAndDoesNotWait) {
  const PipePair pipe;
  const auto batch = read_statuses(pipe.read.value());
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->messages.empty());
  EXPECT_EQ(batch->stray_bytes, 0U);
}

TEST(ReadStatuses, AShortRemainderIsReportedAndDropped) {
  const PipePair pipe;
  const auto bytes = encode(Status{1, 42});
  std::vector<std::byte> sent(bytes.begin(), bytes.end());
  sent.resize(11);
  write_bytes(pipe.write.value(), sent);
  const auto batch = read_statuses(pipe.read.value());
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->messages.size(), 1U);
  EXPECT_EQ(batch->messages[0].pid, 42);
  EXPECT_EQ(batch->stray_bytes, 3U);
}

TEST(ReadStatuses, TheMessageAfterAStrayRemainderIsWholeAgain) {
  const PipePair pipe;
  write_bytes(pipe.write.value(), std::vector<std::byte>(5));
  ASSERT_EQ(read_statuses(pipe.read.value())->stray_bytes, 5U);
  ASSERT_TRUE(StatusPipe(pipe.write.value()).send(Message::connection_multi).has_value());
  const auto batch = read_statuses(pipe.read.value());
  ASSERT_EQ(batch->messages.size(), 1U);
  EXPECT_EQ(batch->messages[0].message, 4);
}

TEST(ReadStatuses, OneCallTakesABoundedNumber) {
  const PipePair pipe;
  const StatusPipe status(pipe.write.value());
  for (std::size_t i = 0; i < kMaxBatch + 5; ++i) ASSERT_TRUE(status.send(Message::available).has_value());
  EXPECT_EQ(read_statuses(pipe.read.value())->messages.size(), kMaxBatch);
  EXPECT_EQ(read_statuses(pipe.read.value())->messages.size(), 5U);
}

TEST(ReadStatuses, APipeWithoutWritersIsClosed) {
  PipePair pipe;
  pipe.write.reset();
  const auto batch = read_statuses(pipe.read.value());
  ASSERT_FALSE(batch.has_value());
  EXPECT_EQ(batch.error().code, base::Errc::closed);
}

}  // namespace
}  // namespace service
