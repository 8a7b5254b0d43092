#include "net/stream.hpp"

#include "net_support.hpp"

namespace net {
namespace {

using base::Errc;
using testing::run;
using namespace std::chrono_literals;

Task<void> echo(Stream& stream) {
  for (;;) {
    const auto line = co_await stream.read_line(100);
    if (!line) break;
    stream.output() += *line;
    stream.output() += "\r\n";
  }
  co_await stream.close(1s);
}

TEST(Stream, AnswersLinesInOrder) {
  Loop loop;
  auto pair = testing::socket_pair();
  Stream stream(loop, std::move(pair.ours));
  testing::send_all(pair.theirs.value(), "one\r\ntwo\nthree");
  ::shutdown(pair.theirs.value(), SHUT_WR);
  run(loop, echo(stream));
  EXPECT_EQ(testing::receive_all(pair.theirs.value()), "one\r\ntwo\r\n");
}

}  // namespace
}  // namespace net
