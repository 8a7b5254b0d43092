#include "net/line_buffer.hpp"
#include "net/stream.hpp"
#include "net/tls_channel.hpp"
#include "net_support.hpp"
#include "tls_client.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

namespace net {
namespace {

using base::Errc;
using testing::Peer;
using testing::receive_all;
using testing::run;
using testing::send_all;
using testing::spawn;
using testing::TlsClient;
using namespace std::chrono_literals;

constexpr std::size_t kLimit = 255;

class StreamTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    files = new testing::KeyFiles;
    context = files->context().release();
  }
  static void TearDownTestSuite() {
    delete context;
    delete files;
  }
  static testing::KeyFiles* files;
  static TlsContext* context;

  StreamTls() : StreamTls(testing::tcp_pair()) {}
  explicit StreamTls(testing::Pair pair) : peer(std::move(pair.theirs)), stream(loop, std::move(pair.ours)) {}

  int fd() const { return peer.value(); }

  Loop loop;
  base::UniqueFd peer;
  Stream stream;
};
testing::KeyFiles* StreamTls::files = nullptr;
TlsContext* StreamTls::context = nullptr;

struct Outcome {
  std::optional<TlsInfo> info;
  std::optional<base::Error> error;
  std::vector<std::string> lines;
};

// Handshake, then every line answered by itself, to the end.
Task<void> serve(Stream& stream, const TlsContext& context, Outcome& outcome) {
  auto info = co_await stream.start_tls(context);
  if (!info) {
    outcome.error = info.error();
    co_await stream.close(5s);
    co_return;
  }
  outcome.info = *info;
  for (;;) {
    const auto line = co_await stream.read_line(kLimit);
    if (!line && line.error().code == Errc::limit) {
      outcome.lines.emplace_back("!");
      continue;
    }
    if (!line) {
      outcome.error = line.error();
      break;
    }
    outcome.lines.emplace_back(*line);
    stream.output() += *line;
    stream.output() += "\r\n";
    if (*line == "QUIT") break;
  }
  co_await stream.close(5s);
}

TEST_F(StreamTls, SpeaksBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto pair = testing::tcp_pair();
    Stream session(loop, std::move(pair.ours));
    Outcome outcome;
    std::string answer;
    bool goodbye = false;
    {
      Peer client([&] {
        TlsClient tls(pair.theirs.value(), version);
        if (!tls.handshake()) return;
        tls.send("one\r\nQUIT\r\n");
        answer = tls.receive_all();
        goodbye = tls.goodbye_received();
        tls.say_goodbye();
        pair.theirs.reset();
      });
      run(loop, serve(session, *context, outcome));
    }
    EXPECT_EQ(answer, "one\r\nQUIT\r\n");
    EXPECT_TRUE(goodbye);
    ASSERT_TRUE(outcome.info.has_value());
    EXPECT_TRUE(session.is_tls());
    EXPECT_EQ(outcome.info->version, version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    EXPECT_NE(outcome.info->cipher, "");
    EXPECT_GE(outcome.info->bits, 128);
    EXPECT_GE(outcome.info->algorithm_bits, outcome.info->bits);
    EXPECT_FALSE(outcome.info->resumed);
  }
}

struct Notebook final : StreamWitness {
  std::string in;
  std::string out;
  void received(std::string_view octets) noexcept override { in += octets; }
  void sent(std::string_view octets) noexcept override { out += octets; }
};

TEST_F(StreamTls, AWitnessSeesWhatIsInsideAndTheCountersCountIt) {
  Notebook notes;
  stream.set_witness(&notes);
  Outcome outcome;
  std::string answer;
  {
    Peer client([&] {
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      tls.send("one\r\nQUIT\r\n");
      answer = tls.receive_all();
      peer.reset();
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_EQ(notes.in, "one\r\nQUIT\r\n");
  EXPECT_EQ(notes.out, answer);
  EXPECT_EQ(stream.octets_in(), 11U);
  EXPECT_EQ(stream.octets_out(), 11U);
}

Task<void> stls(Stream& stream, const TlsContext& context, Outcome& outcome) {
  const auto line = co_await stream.read_line(kLimit);
  if (!line || *line != "STLS") co_return;
  stream.output() += "+OK Begin TLS negotiation now\r\n";
  co_await serve(stream, context, outcome);
}

TEST_F(StreamTls, SendsTheReplyInClearBeforeTheHandshake) {  // RFC 2595 s4
  Outcome outcome;
  std::string reply;
  std::string answer;
  {
    Peer client([&] {
      send_all(fd(), "STLS\r\n");
      reply = testing::receive(fd(), 31);
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      tls.send("QUIT\r\n");
      answer = tls.receive_all();
      peer.reset();
    });
    run(loop, stls(stream, *context, outcome));
  }
  EXPECT_EQ(reply, "+OK Begin TLS negotiation now\r\n");
  EXPECT_EQ(answer, "QUIT\r\n");
  EXPECT_EQ(outcome.lines, std::vector<std::string>{"QUIT"});
}

TEST_F(StreamTls, TakesAClientThatWritesOneOctetAtATime) {
  Outcome outcome;
  std::string answer;
  {
    Peer client([&] {
      TlsClient tls(fd());
      tls.set_chunk(1);
      if (!tls.handshake()) return;
      tls.send("one\r\ntwo\r\nQUIT\r\n");
      answer = tls.receive_all();
      peer.reset();
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_EQ(answer, "one\r\ntwo\r\nQUIT\r\n");
}

TEST_F(StreamTls, RefusesPlainOctetsInPlaceOfAClientHello) {
  Outcome outcome;
  std::string answer;
  {
    Peer client([&] {
      send_all(fd(), "USER ann\r\nPASS secret\r\n");
      ::shutdown(fd(), SHUT_WR);
      answer = receive_all(fd());
    });
    run(loop, serve(stream, *context, outcome));
  }
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::io);
  EXPECT_NE(outcome.error->text, "unknown");
  EXPECT_EQ(answer.find("+OK"), std::string::npos);
  EXPECT_TRUE(outcome.lines.empty());
}

TEST_F(StreamTls, RefusesAnHttpRequestAndNamesIt) {
  Outcome outcome;
  send_all(fd(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ::shutdown(fd(), SHUT_WR);
  run(loop, serve(stream, *context, outcome));
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->text, "http request");
}

TEST_F(StreamTls, EndsAHandshakeThatIsNeverFinished) {
  Outcome outcome;
  TlsClient tls(fd());
  SSL_do_handshake(tls.ssl());
  const std::string hello = tls.take_ciphertext();
  send_all(fd(), hello.substr(0, hello.size() / 2));
  stream.set_deadline(Clock::now() + 50ms);
  Peer client([&] {
    receive_all(fd());
    peer.reset();
  });
  spawn(loop, serve(stream, *context, outcome));
  loop.run_for(10s);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::timeout);
}

TEST_F(StreamTls, EndsWhenTheClientLeavesInTheHandshake) {
  Outcome outcome;
  TlsClient tls(fd());
  SSL_do_handshake(tls.ssl());
  tls.flush();
  peer.reset();
  run(loop, serve(stream, *context, outcome));
  ASSERT_TRUE(outcome.error.has_value());
}

TEST_F(StreamTls, RunsNothingOfALineThatATruncationCut) {
  Outcome outcome;
  Peer client([&] {
    TlsClient tls(fd());
    if (!tls.handshake()) return;
    tls.send("one\r\nDELE 1");
    peer.reset();  // no close_notify
  });
  run(loop, serve(stream, *context, outcome));
  EXPECT_EQ(outcome.lines, std::vector<std::string>{"one"});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::closed);
}

TEST_F(StreamTls, AnswersWhatCameBeforeCloseNotify) {
  Outcome outcome;
  std::string answer;
  {
    Peer client([&] {
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      tls.send("one\r\ntwo\r\nthr");
      tls.say_goodbye();
      answer = tls.receive_all();
      peer.reset();
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_EQ(outcome.lines, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(answer, "one\r\ntwo\r\n");
  EXPECT_EQ(outcome.error->code, Errc::closed);
}

TEST_F(StreamTls, EndsOnAForgedRecord) {
  Outcome outcome;
  Peer client([&] {
    TlsClient tls(fd());
    if (!tls.handshake()) return;
    SSL_write(tls.ssl(), "DELE 1\r\n", 8);
    std::string record = tls.take_ciphertext();
    record[record.size() - 1] = static_cast<char>(record[record.size() - 1] ^ 1);
    send_all(fd(), record);
    receive_all(fd());
    peer.reset();
  });
  run(loop, serve(stream, *context, outcome));
  EXPECT_TRUE(outcome.lines.empty());
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code, Errc::io);
}

TEST_F(StreamTls, RefusesOverlongLinesWholeAndReadsLinesOverManyRecords) {
  Outcome outcome;
  Peer client([&] {
    TlsClient tls(fd());
    if (!tls.handshake()) return;
    tls.send(std::string(40'000, 'A') + "DELE 1\r\nNO");
    for (const char c : std::string("OP\r\nQUIT\r\n")) tls.send(std::string(1, c));
    tls.receive_all();
    peer.reset();
  });
  run(loop, serve(stream, *context, outcome));
  EXPECT_EQ(outcome.lines, (std::vector<std::string>{"!", "NOOP", "QUIT"}));
}

TEST_F(StreamTls, SurvivesAFewKeyUpdatesAndEndsAFlood) {
  Outcome outcome;
  std::size_t updates = 0;
  {
    Peer client([&] {
      TlsClient tls(fd(), TLS1_3_VERSION);
      if (!tls.handshake()) return;
      for (int i = 0; i < 20; ++i) {
        if (!tls.key_update() || !tls.send("NOOP\r\n")) return;
      }
      if (tls.receive(20 * 6).size() != 120) return;
      // Without content: SSL_do_handshake sends a queued KeyUpdate by itself.
      while (updates < 1'000'000 && tls.key_update() && SSL_do_handshake(tls.ssl()) == 1 && tls.flush()) ++updates;
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_EQ(outcome.lines.size(), 20U);
  EXPECT_GT(updates, 1000U);
  EXPECT_LT(updates, 1'000'000U);
  EXPECT_EQ(outcome.error->code, Errc::closed);
}

TEST_F(StreamTls, RefusesRenegotiation) {
  Outcome outcome;
  std::string after;
  {
    Peer client([&] {
      TlsClient tls(fd(), TLS1_2_VERSION);
      if (!tls.handshake()) return;
      tls.send("one\r\n");
      tls.receive(5);
      tls.renegotiate();
      SSL_do_handshake(tls.ssl());
      tls.flush();
      after = tls.receive_all();
      peer.reset();
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_EQ(outcome.lines, std::vector<std::string>{"one"});
  EXPECT_EQ(after, "");
}

TEST_F(StreamTls, AcceptsPop3AmongTheProtocolsOffered) {  // RFC 7301 s3.2
  Outcome outcome;
  std::string protocol;
  {
    Peer client([&] {
      TlsClient tls(fd());
      tls.offer_protocols({4, 'i', 'm', 'a', 'p', 4, 'p', 'o', 'p', '3'});
      if (tls.handshake()) protocol = tls.protocol();
      peer.reset();
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_TRUE(outcome.info.has_value());
  EXPECT_EQ(protocol, "pop3");
}

TEST_F(StreamTls, RefusesAClientThatOffersOtherProtocolsOnly) {
  Outcome outcome;
  std::string failure;
  {
    Peer client([&] {
      TlsClient tls(fd());
      tls.offer_protocols({8, 'h', 't', 't', 'p', '/', '1', '.', '1', 5, 'p', 'o', 'p', '3', 's'});
      tls.handshake();
      failure = tls.failure();
      peer.reset();
    });
    run(loop, serve(stream, *context, outcome));
  }
  EXPECT_FALSE(outcome.info.has_value());
  EXPECT_EQ(failure, "tlsv1 alert no application protocol");
  EXPECT_EQ(outcome.error->code, Errc::io);
}

// A client hello in which `from` was replaced by `to`, of the same size: what no library would send.
std::string odd_hello(const std::string& name, std::string_view from, std::string_view to) {
  TlsClient tls(-1);
  tls.ask_for(name);
  tls.offer_protocols({4, 'p', 'o', 'p', '3', 4, 'i', 'm', 'a', 'p'});
  SSL_do_handshake(tls.ssl());
  std::string hello = tls.take_ciphertext();
  const std::size_t at = hello.find(from);
  EXPECT_NE(at, std::string::npos);
  return hello.replace(at, from.size(), to);
}

TEST_F(StreamTls, RefusesBrokenListsOfProtocolsAndNamesWithNul) {
  using namespace std::string_view_literals;
  for (const auto& [from, to] :
       {std::pair{"\4pop3"sv, "\0pop3"sv}, std::pair{"\4pop3"sv, "\xffpop3"sv},
        std::pair{"\0\x0a\4pop3"sv, "\0\0\4pop3"sv}, std::pair{"\0\x0a\4pop3"sv, "\0\xff\4pop3"sv},
        std::pair{"mail.example"sv, "mail\0example"sv}}) {
    auto pair = testing::tcp_pair();
    Stream session(loop, std::move(pair.ours));
    Outcome outcome;
    {
      Peer client([&, hello = odd_hello("mail.example.org", from, to)] {
        send_all(pair.theirs.value(), hello);
        receive_all(pair.theirs.value());
        pair.theirs.reset();
      });
      run(loop, serve(session, *context, outcome));
    }
    EXPECT_FALSE(outcome.info.has_value());
    ASSERT_TRUE(outcome.error.has_value());
    EXPECT_EQ(outcome.error->code, Errc::io);
  }
}

Task<void> send_text(Stream& stream, const TlsContext& context, const std::string& text, std::string& result) {
  auto info = co_await stream.start_tls(context);
  if (!info) co_return;
  stream.output() = text;
  const auto sent = co_await stream.flush();
  result = sent ? "sent" : std::string(base::name(sent.error().code));
  co_await stream.close(5s);
}

TEST_F(StreamTls, EndsEachRecordWithALineEnd) {
  std::string text;
  for (int i = 0; text.size() < 100'000; ++i) text += std::to_string(i) + " a line of the listing\r\n";
  std::vector<std::string> records;
  std::string result;
  {
    Peer client([&] {
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      for (;;) {
        std::string record = tls.receive_record();
        if (record.empty()) break;
        records.push_back(std::move(record));
      }
      peer.reset();
    });
    run(loop, send_text(stream, *context, text, result));
  }
  EXPECT_EQ(result, "sent");
  std::string all;
  for (const std::string& record : records) {
    EXPECT_TRUE(record.ends_with("\r\n"));
    all += record;
  }
  EXPECT_EQ(all, text);
  EXPECT_EQ(records.size(), 7U);
}

TEST_F(StreamTls, SendsMoreThanTheSocketHoldsToASlowReader) {
  const std::string text(8'000'000, 'x');  // one line without an end: cut anywhere
  std::string received;
  std::string result;
  {
    Peer client([&] {
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      std::this_thread::sleep_for(50ms);
      received = tls.receive_all();
      peer.reset();
    });
    run(loop, send_text(stream, *context, text, result));
  }
  EXPECT_EQ(result, "sent");
  EXPECT_EQ(received, text);
}

TEST_F(StreamTls, TimesOutOnAReaderThatHasStopped) {
  std::string result;
  std::atomic<bool> over = false;
  {
    Peer client([&] {
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      while (!over) std::this_thread::sleep_for(1ms);
    });
    stream.set_idle_timeout(1s);
    const std::string text(20'000'000, 'x');
    spawn(loop, send_text(stream, *context, text, result));
    while (result.empty()) loop.run_one_for(10ms);
    over = true;
    stream.cancel();
    loop.run();
  }
  EXPECT_EQ(result, "timeout");
}

Task<void> serve_forever(Stream& stream, const TlsContext& context) {
  Outcome outcome;
  co_await serve(stream, context, outcome);
}

TEST_F(StreamTls, DiesWithALoopThatIsDestroyedInTheHandshakeAndAfterIt) {
  for (const bool finished : {false, true}) {
    auto pair = testing::tcp_pair();
    std::optional<Loop> own(std::in_place);
    std::optional<Stream> session(std::in_place, *own, std::move(pair.ours));
    spawn(*own, serve_forever(*session, *context));
    Peer client([&] {
      TlsClient tls(pair.theirs.value());
      if (finished) {
        tls.handshake();
      } else {
        SSL_do_handshake(tls.ssl());
        tls.flush();
      }
    });
    own->run_for(50ms);
    session.reset();
    own.reset();
  }
}

TEST_F(StreamTls, MayLoseItsContextToAReload) {
  auto old = files->context();
  Outcome outcome;
  std::string answer;
  {
    std::atomic<bool> reloaded = false;
    Peer client([&] {
      TlsClient tls(fd());
      if (!tls.handshake()) return;
      tls.send("one\r\n");
      tls.receive(5);
      while (!reloaded) std::this_thread::sleep_for(1ms);
      tls.send("QUIT\r\n");
      answer = tls.receive_all();
      peer.reset();
    });
    spawn(loop, serve(stream, *old, outcome));
    while (outcome.lines.empty()) loop.run_one_for(10ms);
    old.reset();
    reloaded = true;
    loop.run();
  }
  EXPECT_EQ(answer, "QUIT\r\n");
}

TEST_F(StreamTls, ResumesASessionByTicket) {
  struct Free {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  std::unique_ptr<SSL_SESSION, Free> ticket;
  for (const bool expected : {false, true}) {
    auto pair = testing::tcp_pair();
    Stream session(loop, std::move(pair.ours));
    Outcome outcome;
    {
      Peer client([&] {
        TlsClient tls(pair.theirs.value(), TLS1_3_VERSION);
        if (ticket) tls.resume(ticket.get());
        if (!tls.handshake()) return;
        tls.send("QUIT\r\n");
        tls.receive_all();
        tls.say_goodbye();  // without it the session may not be resumed
        ticket.reset(SSL_get1_session(tls.ssl()));
        pair.theirs.reset();
      });
      run(loop, serve(session, *context, outcome));
    }
    ASSERT_TRUE(outcome.info.has_value());
    EXPECT_EQ(outcome.info->resumed, expected);
  }
}

TEST_F(StreamTls, StopsTheProcessWhenInputIsLeftOverAtStls) {  // RFC 2595 s4: it would be run as if it were protected
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        send_all(fd(), "STLS\r\nUSER ann\r\n");
        Outcome outcome;
        run(loop, stls(stream, *context, outcome));
      },
      "CHECK failed: self->input.unread\\(\\) == 0");
}

}  // namespace
}  // namespace net
