#include "net/layer.hpp"
#include "net/stream.hpp"
#include "net_support.hpp"
#include "tls_client.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace net {
namespace {

using base::Errc;
using testing::receive_all;
using testing::run;
using testing::send_all;

constexpr std::size_t kLimit = 255;

/// Packets of one length octet and that many octets turned upside down. A length of 0 is forged.
std::string packet(std::string_view plain) {
  std::string out(1, static_cast<char>(plain.size()));
  for (const char c : plain) out += static_cast<char>(~c);
  return out;
}

class Inverted final : public Layer {
 public:
  base::Result<std::string> wrap(std::string_view plain) override {
    std::string out;
    for (; !plain.empty(); plain.remove_prefix(std::min<std::size_t>(plain.size(), 100))) {
      out += packet(plain.substr(0, 100));
    }
    return out;
  }
  base::Result<std::string> unwrap(std::string_view arrived) override {
    held_ += arrived;
    std::string out;
    while (!held_.empty()) {
      const auto size = static_cast<unsigned char>(held_.front());
      if (size == 0) return base::fail(Errc::invalid, "forged");
      if (held_.size() <= size) break;
      for (const char c : held_.substr(1, size)) out += static_cast<char>(~c);
      held_.erase(0, 1U + size);
    }
    return out;
  }

 private:
  std::string held_;
};

std::string unpacked(std::string wire) {
  Inverted layer;
  return layer.unwrap(wire).value_or("forged");
}

struct Session {
  Loop loop;
  base::UniqueFd peer;
  Stream stream;

  explicit Session(testing::Pair pair = testing::socket_pair())
      : peer(std::move(pair.theirs)), stream(loop, std::move(pair.ours)) {}
};

/// Says +OK, switches the layer on, and echoes lines until the peer ends.
Task<void> serve(Session& session, std::string& ended) {
  session.stream.output() += "+OK\r\n";
  auto layer = std::make_unique<Inverted>();
  const auto begun = co_await session.stream.start_layer(std::move(layer));
  EXPECT_TRUE(begun);
  EXPECT_TRUE(session.stream.has_layer());
  for (;;) {
    const auto line = co_await session.stream.read_line(kLimit);
    if (!line && line.error().code == Errc::limit) {
      session.stream.output() += "!\r\n";
      continue;
    }
    if (!line) {
      ended = base::name(line.error().code);
      break;
    }
    session.stream.output() += "=" + std::string(*line) + "\r\n";
  }
  co_await session.stream.close(std::chrono::seconds(5));
}

/// What the session says to `wire`, sent in pieces of `step` octets once its +OK is there.
std::string talk(const std::string& wire, std::size_t step, std::string& ended) {
  Session session;
  std::string heard;
  {
    const testing::Peer peer([&] {
      heard = testing::receive(session.peer.value(), 5);
      for (std::size_t at = 0; at < wire.size(); at += step) {
        send_all(session.peer.value(), std::string_view(wire).substr(at, step));
      }
      ::shutdown(session.peer.value(), SHUT_WR);
      heard += receive_all(session.peer.value());
    });
    run(session.loop, serve(session, ended));
  }
  return heard;
}

TEST(StreamLayer, WrapsBothWaysBehindThePositiveReplyWhereverPacketsAreSplit) {
  const std::string wire = packet("one\r\ntwo\r\nth") + packet("r") + packet("ee\r\n");
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    std::string ended;
    const auto heard = talk(wire, step, ended);
    EXPECT_EQ(heard.substr(0, 5), "+OK\r\n");
    EXPECT_EQ(unpacked(heard.substr(5)), "=one\r\n=two\r\n=three\r\n") << step;
    EXPECT_EQ(ended, "closed");
  }
}

Task<void> serve_under_tls(Session& session, const TlsContext& context, std::string& ended) {
  const auto info = co_await session.stream.start_tls(context);
  EXPECT_TRUE(info);
  if (info) co_await serve(session, ended);
}

TEST(StreamLayer, LiesWithinTls) {  // RFC 5034 s4: the layer's packets are what TLS carries
  const testing::KeyFiles files;
  const auto context = files.context();
  Session session(testing::tcp_pair());
  std::string greeting;
  std::string answer;
  std::string ended;
  {
    const testing::Peer peer([&] {
      testing::TlsClient tls(session.peer.value());
      if (tls.handshake()) {
        greeting = tls.receive(5);
        tls.send(packet("one\r\n"));
        answer = tls.receive(packet("=one\r\n").size());
        tls.say_goodbye();
      }
      session.peer.reset();
    });
    run(session.loop, serve_under_tls(session, *context, ended));
  }
  EXPECT_EQ(greeting, "+OK\r\n");
  EXPECT_EQ(answer, packet("=one\r\n"));
}

TEST(StreamLayer, CarriesMoreThanABufferOfLinesAndDropsOverlongOnes) {
  std::string wire;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const auto line = std::to_string(i) + std::string(static_cast<std::size_t>(i % 90), 'x');
    wire += packet(line + "\r\n");
    expected += "=" + line + "\r\n";
    if (i % 1000 == 0) {
      for (int piece = 0; piece < 10; ++piece) wire += packet(std::string(100, 'y'));
      wire += packet("\r\n");
      expected += "!\r\n";
    }
  }
  std::string ended;
  EXPECT_EQ(unpacked(talk(wire, 5000, ended).substr(5)), expected);
}

TEST(StreamLayer, AForgedPacketEndsTheConnectionAndNothingBehindItIsRead) {
  std::string ended;
  const auto heard = talk(packet("one\r\n") + std::string(1, '\0') + packet("DELE 1\r\n"), 1, ended);
  // Whether the line before it is answered depends on what arrived together.
  EXPECT_EQ(unpacked(heard.substr(5)).find("DELE"), std::string::npos);
  EXPECT_EQ(ended, "io");
}

TEST(StreamLayer, AnUnfinishedPacketIsDropped) {
  std::string ended;
  const auto heard = talk(packet("one\r\n") + packet("QUIT\r\n").substr(0, 6), 100, ended);
  EXPECT_EQ(unpacked(heard.substr(5)), "=one\r\n");
  EXPECT_EQ(ended, "closed");
}

}  // namespace
}  // namespace net
