#include "tls_session.hpp"

#include "net_support.hpp"

namespace net::testing {
namespace {

using namespace std::chrono_literals;

Task<void> echo_one_line(Stream& stream, const TlsContext& context, TlsSession& result) {
  stream.set_deadline(Clock::now() + 20s);
  auto info = co_await stream.start_tls(context);
  if (info) {
    result.info = std::move(*info);
    const auto line = co_await stream.read_line(255);
    if (line) stream.output() += std::string(*line) + "\r\n";
  } else {
    result.error = info.error().text;
  }
  co_await stream.close(5s);
}

}  // namespace

TlsSession serve_one(const TlsContext& context, const std::function<void(TlsClient&)>& prepare,
                     const std::function<void(TlsClient&)>& inspect, int highest_version) {
  TlsSession result;
  auto pair = tcp_pair();
  Loop loop;
  Stream stream(loop, std::move(pair.ours));
  Peer client([&] {
    TlsClient tls(pair.theirs.value(), highest_version);
    if (prepare) prepare(tls);
    if (tls.handshake() && tls.send("NOOP\r\n")) result.answered = tls.receive_all() == "NOOP\r\n";
    result.client_failure = tls.failure();
    if (result.answered) {
      tls.say_goodbye();  // without it the session may not be resumed
      if (inspect) inspect(tls);
    }
    pair.theirs.reset();
  });
  run(loop, echo_one_line(stream, context, result));
  return result;
}

}  // namespace net::testing
