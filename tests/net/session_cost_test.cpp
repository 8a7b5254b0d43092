// What an idle session costs in memory of ours, counted by malloc itself. The figures are printed; the bounds are
// generous, so that a different libc or OpenSSL does not fail them.
#include "net/stream.hpp"
#include "net_support.hpp"
#include "tls_client.hpp"

#include <cstdio>
#include <malloc.h>
#include <memory>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PILLARBOX_OWN_MALLOC 0
#else
#define PILLARBOX_OWN_MALLOC 1
#endif

namespace net {
namespace {

using namespace std::chrono_literals;

std::size_t allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// As a session before login: a deadline, an idle time, a greeting, then the wait for the first command.
Task<void> idle_session(Loop& loop, base::UniqueFd fd, const TlsContext* context, int& waiting) {
  Stream stream(loop, std::move(fd));
  stream.set_idle_timeout(600s);
  stream.set_deadline(Clock::now() + 1h);
  if (context != nullptr && !co_await stream.start_tls(*context)) co_return;
  stream.output() += "+OK mail.example.org Pillarbox POP3 server ready\r\n";
  if (!co_await stream.flush()) co_return;
  ++waiting;
  static_cast<void>(co_await stream.read_line(8192));
}

double octets_per_session(const TlsContext* context, int sessions) {
  Loop loop;
  std::vector<testing::Pair> pairs(static_cast<std::size_t>(sessions));
  for (auto& pair : pairs) pair = testing::socket_pair();
  std::vector<std::unique_ptr<testing::TlsClient>> clients;
  int waiting = 0;
  // One before the count: what is made once per process is not the session's.
  auto first = testing::socket_pair();
  std::size_t before = 0;
  std::size_t after = 0;
  const auto greet = [&](int fd) {
    if (context == nullptr) return;
    testing::TlsClient client(fd);
    EXPECT_TRUE(client.handshake());
    EXPECT_NE(client.receive(10), "");
  };
  const auto start = [&](testing::Pair& pair) {
    const int wanted = waiting + 1;
    testing::Peer client([&] { greet(pair.theirs.value()); });
    testing::spawn(loop, idle_session(loop, std::move(pair.ours), context, waiting));
    while (waiting < wanted) loop.run_one_for(1ms);
    loop.poll();
  };
  start(first);
  before = allocated();
  for (auto& pair : pairs) start(pair);
  after = allocated();
  EXPECT_EQ(waiting, sessions + 1);
  return static_cast<double>(after - before) / sessions;
}

TEST(SessionCost, APlainIdleSessionStaysWithinItsBudget) {
  if (!PILLARBOX_OWN_MALLOC) GTEST_SKIP() << "a sanitizer replaces malloc";
  const double octets = octets_per_session(nullptr, 500);
  std::printf("idle plain session: %.0f octets\n", octets);
  RecordProperty("octets", static_cast<int>(octets));
  EXPECT_GT(octets, 500);
  EXPECT_LT(octets, 3 * 1024);
}

TEST(SessionCost, ATlsIdleSessionStaysWithinItsBudget) {
  if (!PILLARBOX_OWN_MALLOC) GTEST_SKIP() << "a sanitizer replaces malloc";
  const testing::KeyFiles files;
  // OpenSSL keeps the ephemeral keys of the handshake; on NIST curves each holds a copy of the curve.
  struct Case {
    const char* curve;
    bool by_name;
  };
  for (const Case& c : {Case{"prime256v1", false}, Case{"X25519", false}, Case{"X25519", true}}) {
    auto options = files.options();
    options.curve = c.curve;
    if (c.by_name) options.named_certificates = files.certificate + " " + files.key;
    const auto context = TlsContext::create(options);
    ASSERT_TRUE(context) << context.error().text;
    const double octets = octets_per_session(context->get(), 300);
    const std::string what = std::string(c.curve) + (c.by_name ? " with certificates by name" : "");
    std::printf("idle TLS session over %s: %.0f octets\n", what.c_str(), octets);
    RecordProperty(what, static_cast<int>(octets));
    EXPECT_GT(octets, 2000);
    EXPECT_LT(octets, 24 * 1024);
  }
}

}  // namespace
}  // namespace net
