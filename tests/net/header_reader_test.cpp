#include "net/header_reader.hpp"

#include "net_support.hpp"

#include <optional>
#include <sys/ioctl.h>

namespace net {
namespace {

using base::Errc;
using testing::run;
using testing::send_all;
using testing::spawn;
using testing::tcp_pair;
using namespace std::chrono_literals;

constexpr std::string_view kHeader = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 110\r\n";

struct Outcome {
  std::optional<base::Result<ProxyHeader>> header;
};

Task<void> read_header(HeaderReader& reader, Clock::duration patience, Outcome& outcome) {
  outcome.header.emplace(co_await reader.read(Clock::now() + patience));
}

int waiting_octets(int fd) {
  int octets = 0;
  EXPECT_EQ(::ioctl(fd, FIONREAD, &octets), 0);
  return octets;
}

TEST(HeaderReader, LeavesWhatFollowsTheHeaderInTheSocket) {
  auto [ours, theirs] = tcp_pair();
  Loop loop;
  HeaderReader reader(loop, std::move(ours));
  ASSERT_TRUE(send_all(theirs.value(), std::string(kHeader) + "\x16\x03\x01"));
  Outcome outcome;
  run(loop, read_header(reader, 10s, outcome));
  ASSERT_TRUE(*outcome.header);
  EXPECT_EQ((*outcome.header)->source.ip, "192.0.2.1");
  const auto socket = reader.take_socket();
  EXPECT_EQ(testing::receive(socket.value(), 3), "\x16\x03\x01");
}

TEST(HeaderReader, WaitsForAHeaderThatComesOctetByOctet) {
  auto [ours, theirs] = tcp_pair();
  Loop loop;
  HeaderReader reader(loop, std::move(ours));
  Outcome outcome;
  spawn(loop, read_header(reader, 10s, outcome));
  for (const char octet : kHeader) {
    EXPECT_FALSE(outcome.header);
    ASSERT_TRUE(send_all(theirs.value(), {&octet, 1}));
    loop.run_for(1ms);
  }
  loop.run_for(10s);
  ASSERT_TRUE(outcome.header && *outcome.header);
  EXPECT_EQ(waiting_octets(reader.take_socket().value()), 0);
}

TEST(HeaderReader, GivesUpAtTheDeadlineBeforeTheFirstOctetAndBehindIt) {
  for (const std::string_view sent : {"", "PROXY"}) {
    auto [ours, theirs] = tcp_pair();
    Loop loop;
    HeaderReader reader(loop, std::move(ours));
    ASSERT_TRUE(send_all(theirs.value(), sent));
    Outcome outcome;
    run(loop, read_header(reader, 20ms, outcome));
    EXPECT_EQ(outcome.header->error().code, Errc::timeout);
  }
}

TEST(HeaderReader, TellsAWrongHeaderFromALostPeer) {
  for (const auto& [sent, code] : {std::pair("USER alice\r\n", Errc::invalid), std::pair("PROXY", Errc::closed)}) {
    auto [ours, theirs] = tcp_pair();
    Loop loop;
    HeaderReader reader(loop, std::move(ours));
    ASSERT_TRUE(send_all(theirs.value(), sent));
    theirs.reset();
    Outcome outcome;
    run(loop, read_header(reader, 10s, outcome));
    EXPECT_EQ(outcome.header->error().code, code);
    EXPECT_TRUE(reader.take_socket());
  }
}

TEST(HeaderReader, EndsWhenCancelled) {
  auto [ours, theirs] = tcp_pair();
  Loop loop;
  HeaderReader reader(loop, std::move(ours));
  Outcome outcome;
  spawn(loop, read_header(reader, 10s, outcome));
  loop.run_for(5ms);
  reader.cancel();
  loop.run_for(1s);
  ASSERT_TRUE(outcome.header);
  EXPECT_EQ(outcome.header->error().code, Errc::closed);
}

}  // namespace
}  // namespace net
