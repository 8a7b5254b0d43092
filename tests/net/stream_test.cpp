#include "net/stream.hpp"

#include "net/line_buffer.hpp"
#include "net_support.hpp"

#include <atomic>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace net {
namespace {

using base::Errc;
using testing::Peer;
using testing::receive;
using testing::receive_all;
using testing::run;
using testing::send_all;
using testing::spawn;
using namespace std::chrono_literals;

constexpr std::size_t kLimit = 255;

// One session with its peer's end, which the test plays itself or by a Peer thread.
struct Session {
  Loop loop;
  base::UniqueFd peer;
  Stream stream;

  explicit Session(testing::Pair pair = testing::socket_pair())
      : peer(std::move(pair.theirs)), stream(loop, std::move(pair.ours)) {}

  int fd() const { return peer.value(); }
  void end_of_input() const { ::shutdown(peer.value(), SHUT_WR); }
};

// Every line as "=LINE", a refused one as "!", at last the name of the error that ended the stream.
Task<void> collect(Stream& stream, std::vector<std::string>& into, std::size_t limit = kLimit) {
  for (;;) {
    const auto line = co_await stream.read_line(limit);
    if (line) {
      into.push_back("=" + std::string(*line));
    } else if (line.error().code == Errc::limit) {
      into.emplace_back("!");
    } else {
      into.emplace_back(base::name(line.error().code));
      co_return;
    }
  }
}

Task<void> echo(Stream& stream) {
  for (;;) {
    const auto line = co_await stream.read_line(kLimit);
    if (!line) break;
    stream.output() += *line;
    stream.output() += "\r\n";
  }
  co_await stream.close(5s);
}

Task<void> store_line(Stream& stream, std::string& into) {
  const auto line = co_await stream.read_line(kLimit);
  into = line ? "=" + std::string(*line) : std::string(base::name(line.error().code));
}

Task<void> store_flush(Stream& stream, std::string& into) {
  const auto done = co_await stream.flush();
  into = done ? "sent" : std::string(base::name(done.error().code));
}

using Lines = std::vector<std::string>;

struct Notebook final : StreamWitness {
  std::string in;
  std::string out;
  int blocks = 0;
  void received(std::string_view octets) noexcept override {
    in += octets;
    ++blocks;
  }
  void sent(std::string_view octets) noexcept override { out += octets; }
};

TEST(Stream, AWitnessSeesEachBlockAndNothingAfterTheCancel) {
  Session session;
  Notebook notes;
  session.stream.set_witness(&notes);
  send_all(session.fd(), "NOOP\r\nNO");
  Lines lines;
  spawn(session.loop, collect(session.stream, lines));
  session.loop.run_one_for(1s);
  session.loop.poll();
  send_all(session.fd(), "OP\n");
  while (lines.size() < 2) session.loop.run_one_for(1s);
  EXPECT_EQ(notes.in, "NOOP\r\nNOOP\n");
  EXPECT_EQ(notes.blocks, 2);
  session.stream.cancel();
  run(session.loop, collect(session.stream, lines));
  EXPECT_EQ(lines.back(), "closed");
  EXPECT_EQ(notes.blocks, 2);
}

TEST(Stream, CountsOctetsInBothDirectionsAndShowsWhatLeft) {
  Session session;
  Notebook notes;
  session.stream.set_witness(&notes);
  const std::string big(300'000, 'x');
  send_all(session.fd(), "one\r\n\r\n");
  session.end_of_input();
  session.stream.output() = big;
  std::string got;
  {
    Peer peer([&] { got = receive_all(session.fd()); });
    run(session.loop, echo(session.stream));
  }
  EXPECT_EQ(got, big + "one\r\n\r\n");
  EXPECT_EQ(notes.out, got);
  EXPECT_EQ(session.stream.octets_in(), 7U);
  EXPECT_EQ(session.stream.octets_out(), got.size());
}

TEST(Stream, ReadsWholeLinesAndDropsWhatALostPeerLeftUnfinished) {
  Session session;
  send_all(session.fd(), "DELE 2\r\nQUIT");
  session.end_of_input();
  Lines lines;
  run(session.loop, collect(session.stream, lines));
  EXPECT_EQ(lines, (Lines{"=DELE 2", "closed"}));
}

TEST(Stream, ReadsTheSameLinesWhereverTheyAreSplit) {
  const std::string text("one\r\ntwo\n\r\nthree\r\r\nN\0L\r\n", 24);
  const Lines whole{"=one", "=two", "=", "=three\r", std::string("=N\0L", 4), "closed"};
  for (std::size_t at = 0; at <= text.size(); ++at) {
    Session session(testing::tcp_pair());
    Lines lines;
    send_all(session.fd(), text.substr(0, at));
    spawn(session.loop, collect(session.stream, lines));
    session.loop.run_for(2ms);
    send_all(session.fd(), text.substr(at));
    session.end_of_input();
    session.loop.run();
    EXPECT_EQ(lines, whole) << "split at " << at;
  }
}

TEST(Stream, ReportsAnOverlongLineOnceAndGoesOnBehindIt) {
  Session session;
  Lines lines;
  Peer peer([&] {
    send_all(session.fd(), std::string(300'000, 'A') + "DELE 1\r\nNOOP\r\n");
    session.end_of_input();
  });
  run(session.loop, collect(session.stream, lines));
  EXPECT_EQ(lines, (Lines{"!", "=NOOP", "closed"}));
}

TEST(Stream, ClosesOnALineThatNeverEnds) {
  Session session;
  Lines lines;
  std::atomic<std::size_t> taken = 0;
  Peer peer([&] {
    const std::string piece(65536, 'A');
    while (taken < 4 * LineBuffer::kMaxDiscardOctets && send_all(session.fd(), piece)) taken += piece.size();
  });
  run(session.loop, collect(session.stream, lines));
  session.stream.cancel();
  EXPECT_EQ(lines, Lines{"closed"});
  EXPECT_LT(taken, 4 * LineBuffer::kMaxDiscardOctets);
}

// Lines, and behind "DATA" so many octets as they come, in pieces of at most three.
Task<void> collect_data(Stream& stream, std::size_t octets, std::vector<std::string>& into) {
  for (;;) {
    const auto line = co_await stream.read_line(kLimit);
    into.push_back(line ? "=" + std::string(*line) : std::string(base::name(line.error().code)));
    if (!line) co_return;
    if (*line != "DATA") continue;
    stream.output() += "go ahead\r\n";
    std::string data;
    while (data.size() < octets) {
      const auto some = co_await stream.read_octets();
      if (!some) {
        into.emplace_back(base::name(some.error().code));
        co_return;
      }
      const std::size_t taken = std::min({some->size(), octets - data.size(), std::size_t{3}});
      data += some->substr(0, taken);
      stream.consume(taken);
    }
    into.push_back(data);
  }
}

TEST(Stream, ReadsOctetsBetweenLinesWhereverTheyAreSplit) {
  const std::string text("DATA\r\na\nb\r\0c\r\nQUIT\r\n", 20);
  const Lines whole{"=DATA", std::string("a\nb\r\0c\r\n", 8), "=QUIT", "closed"};
  for (std::size_t at = 0; at <= text.size(); ++at) {
    Session session(testing::tcp_pair());
    Lines lines;
    send_all(session.fd(), text.substr(0, at));
    spawn(session.loop, collect_data(session.stream, 8, lines));
    session.loop.run_for(2ms);
    send_all(session.fd(), text.substr(at));
    session.end_of_input();
    session.loop.run();
    EXPECT_EQ(lines, whole) << "split at " << at;
  }
}

TEST(Stream, SendsWhatItOwesBeforeItWaitsForOctets) {
  Session session;
  Lines lines;
  Peer peer([&] {
    send_all(session.fd(), "DATA\r\n");
    EXPECT_EQ(receive(session.fd(), 10), "go ahead\r\n");
    send_all(session.fd(), "12");
    session.end_of_input();
  });
  run(session.loop, collect_data(session.stream, 8, lines));
  EXPECT_EQ(lines, (Lines{"=DATA", "closed"}));
}

TEST(Stream, TellsWhetherALineWaits) {
  Session session;
  send_all(session.fd(), "STLS\r\nUSER x\r\nPA");
  std::string first;
  run(session.loop, store_line(session.stream, first));
  EXPECT_EQ(first, "=STLS");
  EXPECT_TRUE(session.stream.has_line());
  EXPECT_EQ(session.stream.unread(), 10U);
  std::string second;
  run(session.loop, store_line(session.stream, second));
  EXPECT_FALSE(session.stream.has_line());
  EXPECT_EQ(session.stream.unread(), 2U);
}

TEST(Stream, LetsRepliesToPipelinedCommandsLeaveTogether) {
  // SOCK_SEQPACKET keeps the borders of our writes visible to the peer; its octets are a stream for us all the same.
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  Session session(testing::Pair{base::UniqueFd(fds[0]), base::UniqueFd(fds[1])});
  send_all(session.fd(), "one\r\ntwo\r\nthree\r\n");
  spawn(session.loop, echo(session.stream));
  session.loop.run_for(20ms);
  char buffer[100];
  ASSERT_EQ(::recv(session.fd(), buffer, sizeof(buffer), MSG_DONTWAIT), 17);
  EXPECT_EQ(std::string(buffer, 17), "one\r\ntwo\r\nthree\r\n");
  send_all(session.fd(), "four\r\n");
  session.loop.run_for(20ms);
  EXPECT_EQ(::recv(session.fd(), buffer, sizeof(buffer), MSG_DONTWAIT), 6);
  session.end_of_input();
  session.loop.run();
}

TEST(Stream, AnswersAPeerThatHasFinishedItsHalf) {
  Session session(testing::tcp_pair());
  send_all(session.fd(), "one\r\ntwo\r\n");
  session.end_of_input();
  run(session.loop, echo(session.stream));
  EXPECT_EQ(receive_all(session.fd()), "one\r\ntwo\r\n");
}

TEST(Stream, StopsReadingCommandsWhileItsAnswersAreNotTaken) {
  Session session;
  const std::string command = std::string(200, 'x') + "\r\n";
  std::size_t sent = 0;
  const int flags = ::fcntl(session.fd(), F_GETFL);
  ASSERT_EQ(::fcntl(session.fd(), F_SETFL, flags | O_NONBLOCK), 0);
  spawn(session.loop, echo(session.stream));
  for (int idle = 0; idle < 5;) {
    const ssize_t octets = ::send(session.fd(), command.data(), command.size(), MSG_NOSIGNAL);
    if (octets > 0) {
      sent += static_cast<std::size_t>(octets);
    } else {
      ++idle;
    }
    session.loop.run_for(1ms);
    ASSERT_LT(session.stream.output().size(), Stream::kOutputHighWater + 2 * LineBuffer::kReadAheadOctets);
    ASSERT_LT(sent, 64U << 20U) << "no back-pressure";
  }
  session.stream.cancel();
  session.loop.run();
}

TEST(Stream, SendsMoreThanTheSocketHoldsToASlowReader) {
  Session session;
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + "\r\n";
  session.stream.output() = text;
  std::string received;
  std::string result;
  {
    Peer peer([&] { received = receive(session.fd(), text.size()); });
    run(session.loop, store_flush(session.stream, result));
  }
  EXPECT_EQ(result, "sent");
  EXPECT_TRUE(received == text);
  EXPECT_TRUE(session.stream.output().empty());
}

TEST(Stream, KeepsASlowReaderAliveAndCutsOneThatHasStopped) {
  // So slow that the socket does not become writable in time: only its send queue shows that the reader lives.
  Session session;
  session.stream.set_idle_timeout(700ms);
  session.stream.output().assign(2'000'000, 'x');
  const auto begin = Clock::now();
  Peer peer([&] {
    char buffer[16384];
    for (int i = 0; i < 16; ++i) {  // 1.6 s in all, each pause far below the limit
      std::this_thread::sleep_for(100ms);
      if (::recv(session.fd(), buffer, sizeof(buffer), 0) <= 0) return;
    }
  });
  std::string result;
  run(session.loop, store_flush(session.stream, result));
  EXPECT_EQ(result, "timeout");
  EXPECT_GE(Clock::now() - begin, 1500ms);
}

TEST(Stream, TimesOutWhenNothingComes) {
  Session session;
  session.stream.set_idle_timeout(50ms);
  std::string result;
  const auto begin = Clock::now();
  run(session.loop, store_line(session.stream, result));
  EXPECT_EQ(result, "timeout");
  EXPECT_GE(Clock::now() - begin, 50ms);
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST(Stream, RestartsTheIdleTimeWithEachOctet) {
  Session session;
  session.stream.set_idle_timeout(1s);
  std::string result;
  Peer peer([&] {
    for (const char c : std::string("NOOP 12345\r\n")) {
      std::this_thread::sleep_for(120ms);  // 1.4 s in all
      send_all(session.fd(), std::string(1, c));
    }
  });
  run(session.loop, store_line(session.stream, result));
  EXPECT_EQ(result, "=NOOP 12345");
}

TEST(Stream, EndsAtTheAbsoluteDeadlineWhateverArrives) {
  Session session;
  session.stream.set_idle_timeout(10s);
  session.stream.set_deadline(Clock::now() + 500ms);
  Lines lines;
  std::atomic<bool> stop = false;
  const auto begin = Clock::now();
  {
    Peer peer([&] {
      while (!stop && send_all(session.fd(), "NOOP\r\n")) std::this_thread::sleep_for(5ms);
    });
    run(session.loop, collect(session.stream, lines));
    stop = true;
  }
  EXPECT_EQ(lines.back(), "timeout");
  EXPECT_GT(lines.size(), 2U);
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST(Stream, HoldsAnEarlierDeadlineThatIsSetWhileItWaits) {
  Session session;
  session.stream.set_deadline(Clock::now() + 1h);
  std::string result;
  spawn(session.loop, store_line(session.stream, result));
  session.loop.run_for(5ms);
  session.stream.set_deadline(Clock::now() + 20ms);
  session.loop.run_for(10s);
  EXPECT_EQ(result, "timeout");
}

TEST(Stream, ForgetsADeadlineThatIsMovedAway) {
  Session session;
  session.stream.set_deadline(Clock::now() + 500ms);
  std::string result;
  spawn(session.loop, store_line(session.stream, result));
  session.loop.run_for(5ms);
  session.stream.set_deadline(Clock::time_point::max());
  session.loop.run_for(700ms);
  EXPECT_EQ(result, "");
  send_all(session.fd(), "NOOP\r\n");
  session.loop.run_for(10s);
  EXPECT_EQ(result, "=NOOP");
}

TEST(Stream, DoesNotCountOurOwnWorkAgainstTheClient) {
  Session session;
  session.stream.set_idle_timeout(1s);
  std::string first;
  send_all(session.fd(), "one\r\n");
  run(session.loop, store_line(session.stream, first));
  std::this_thread::sleep_for(1100ms);  // opening a maildrop, say
  session.stream.output() = "+OK\r\n";
  std::string second;
  spawn(session.loop, store_line(session.stream, second));
  session.loop.run_for(20ms);
  send_all(session.fd(), "two\r\n");
  session.loop.run_for(10s);
  EXPECT_EQ(second, "=two");
}

TEST(Stream, EndsWhenThePeerResets) {
  Session session(testing::tcp_pair());
  Lines lines;
  spawn(session.loop, collect(session.stream, lines));
  session.loop.run_for(5ms);
  const linger now = {1, 0};
  ::setsockopt(session.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  session.peer.reset();
  session.loop.run();
  EXPECT_EQ(lines, Lines{"closed"});
  session.stream.output() = "+OK\r\n";
  std::string result;
  run(session.loop, store_flush(session.stream, result));
  EXPECT_EQ(result, "closed");
}

TEST(Stream, EndsEveryOperationWhenCancelled) {
  Session session;
  Lines lines;
  spawn(session.loop, collect(session.stream, lines));
  session.loop.run_for(5ms);
  session.stream.cancel();
  session.loop.run();
  EXPECT_EQ(lines, Lines{"closed"});
  session.stream.output() = "+OK\r\n";
  std::string result;
  run(session.loop, store_flush(session.stream, result));
  EXPECT_EQ(result, "closed");
  run(session.loop, session.stream.close(10s));  // and does not wait
}

TEST(Stream, EndsAnOperationThatOutlivesTheStream) {
  Loop loop;
  auto pair = testing::socket_pair();
  std::optional<Stream> stream;
  stream.emplace(loop, std::move(pair.ours));
  stream->set_idle_timeout(1s);
  std::string result;
  spawn(loop, store_line(*stream, result));
  loop.run_for(5ms);
  stream.reset();
  loop.run();
  EXPECT_EQ(result, "closed");
}

TEST(Stream, MayBeDestroyedWhenItsTimerHasFiredButNotYetRun) {
  Loop loop;
  auto pair = testing::socket_pair();
  std::optional<Stream> stream;
  stream.emplace(loop, std::move(pair.ours));
  stream->set_idle_timeout(1s);  // long enough for poll() on a machine that is busy elsewhere
  std::string result;
  spawn(loop, store_line(*stream, result));
  loop.poll();
  std::this_thread::sleep_for(1100ms);  // the next turn of the loop finds the timer over
  stream.reset();
  loop.run();
  EXPECT_EQ(result, "closed");
}

Task<void> hold(Loop& loop, base::UniqueFd fd) {
  Stream stream(loop, std::move(fd));
  stream.set_idle_timeout(1h);
  static_cast<void>(co_await stream.read_line(kLimit));
}

TEST(Stream, DiesWithALoopThatIsDestroyedWhileItWaits) {
  auto pair = testing::socket_pair();
  {
    Loop loop;
    spawn(loop, hold(loop, std::move(pair.ours)));
    loop.run_for(5ms);
  }
  EXPECT_EQ(receive_all(pair.theirs.value()), "");  // end of file: nothing leaked
}

Task<void> refuse(Stream& stream) {
  static_cast<void>(co_await stream.read_line(kLimit));
  stream.output() = "-ERR last words\r\n";
  co_await stream.close(5s);
}

TEST(Stream, DeliversTheLastReplyThoughThePeerStillSends) {
  for (int i = 0; i < 20; ++i) {
    Session session(testing::tcp_pair());
    std::string received;
    {
      Peer peer([&] {
        for (int j = 0; j < 50; ++j) send_all(session.fd(), std::string(1000, 'x') + "\r\n");
        session.end_of_input();
        received = receive_all(session.fd());
      });
      run(session.loop, refuse(session.stream));
    }
    ASSERT_EQ(received, "-ERR last words\r\n");
  }
}

TEST(Stream, ClosesWithinItsPatienceWhenThePeerNeverEnds) {
  Session session(testing::tcp_pair());
  session.stream.output() = "-ERR bye\r\n";
  const auto begin = Clock::now();
  run(session.loop, session.stream.close(100ms));
  EXPECT_GE(Clock::now() - begin, 100ms);
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(receive_all(session.fd()), "-ERR bye\r\n");
}

TEST(Stream, ClosesWithinItsPatienceWhenThePeerDoesNotRead) {
  Session session(testing::tcp_pair());
  session.stream.output().assign(20'000'000, 'x');
  const auto begin = Clock::now();
  run(session.loop, session.stream.close(100ms));
  EXPECT_LT(Clock::now() - begin, 5s);
}

Task<void> send_and_close(Stream& stream, std::string& into) {
  co_await store_flush(stream, into);
  co_await stream.close(5s);
}

TEST(Stream, ClosesAtOnceWhenThePeerWasLostInTheMiddleOfAReply) {
  Session session(testing::tcp_pair());
  session.stream.output().assign(20'000'000, 'x');
  std::string sent;
  spawn(session.loop, send_and_close(session.stream, sent));
  session.loop.run_for(100ms);  // until the sockets are full
  ASSERT_EQ(sent, "");
  session.peer = base::UniqueFd();  // a reset: much was not read
  const auto begin = Clock::now();
  session.loop.restart();
  session.loop.run();
  EXPECT_EQ(sent, "closed");
  EXPECT_LT(Clock::now() - begin, 2s);
}

TEST(Stream, SaysGoodbyeAlsoAfterATimeout) {
  Session session;
  session.stream.set_idle_timeout(20ms);
  std::string result;
  run(session.loop, store_line(session.stream, result));
  ASSERT_EQ(result, "timeout");
  session.stream.output() = "-ERR idle\r\n";
  session.end_of_input();
  run(session.loop, session.stream.close(1s));
  EXPECT_EQ(receive_all(session.fd()), "-ERR idle\r\n");
}

TEST(Stream, RefusesWorkOnADescriptorThatCannotBeWatched) {
  Loop loop;
  Stream stream(loop, base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  std::string result;
  run(loop, store_line(stream, result));
  EXPECT_EQ(result, "closed");
}

TEST(Stream, MayBeMovedBetweenOperations) {
  Session session;
  send_all(session.fd(), "one\r\ntwo\r\n");
  std::string result;
  run(session.loop, store_line(session.stream, result));
  Stream moved = std::move(session.stream);
  run(session.loop, store_line(moved, result));
  EXPECT_EQ(result, "=two");
}

Task<void> serve_one(Loop& loop, base::UniqueFd fd) {
  Stream stream(loop, std::move(fd));
  stream.set_idle_timeout(20s);
  co_await echo(stream);
}

TEST(Stream, ServesFiveHundredSessionsAtOnce) {
  Loop loop;
  constexpr int kSessions = 500;
  std::vector<base::UniqueFd> peers;
  for (int i = 0; i < kSessions; ++i) {
    auto pair = testing::socket_pair();
    peers.push_back(std::move(pair.theirs));
    spawn(loop, serve_one(loop, std::move(pair.ours)));
  }
  int good = 0;
  {
    Peer peer([&] {
      for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < kSessions; ++i) {
          send_all(peers[static_cast<std::size_t>(i)].value(), std::to_string(round * 1000 + i) + "\r\n");
        }
        for (int i = 0; i < kSessions; ++i) {
          const std::string expected = std::to_string(round * 1000 + i) + "\r\n";
          if (receive(peers[static_cast<std::size_t>(i)].value(), expected.size()) == expected) ++good;
        }
      }
      for (const auto& fd : peers) ::shutdown(fd.value(), SHUT_WR);
    });
    loop.run();
  }
  EXPECT_EQ(good, 3 * kSessions);
}

}  // namespace
}  // namespace net
