#include "pop3/reply.hpp"

#include <gtest/gtest.h>

#include <array>

namespace pop3 {
namespace {

using base::Errc;
using base::Error;

TEST(Reply, StatusLinesEndInCrlf) {  // RFC 1939 s3
  EXPECT_EQ(ok().text, "+OK\r\n");
  EXPECT_EQ(ok("2 320").text, "+OK 2 320\r\n");
  EXPECT_EQ(err("[AUTH] Invalid login").text, "-ERR [AUTH] Invalid login\r\n");
}

TEST(ReplyDeathTest, TextThatWouldForgeAReplyStopsTheProcess) {
  EXPECT_DEATH(ok("fine\n+OK"), "CHECK failed");
  EXPECT_DEATH(err("fine\r"), "CHECK failed");
}

TEST(Reply, ForeignTextCannotForgeAReply) {
  EXPECT_EQ(err_foreign("[SYS/TEMP] down\r\n+OK\tx\x7f").text, "-ERR [SYS/TEMP] down  +OK x \r\n");
  EXPECT_EQ(err_foreign(std::string_view("a\0b", 3)).text, "-ERR a b\r\n");
}

TEST(Reply, ForeignTextKeepsToTheLongestReply) {  // RFC 2449 s4
  const Line line = err_foreign(std::string(10000, 'x'));
  EXPECT_EQ(line.text.size(), 512U);
  EXPECT_TRUE(line.text.ends_with("x\r\n"));
}

struct Refusal {
  Errc code;
  std::string_view open;
  std::string_view read;
  std::string_view update;
};

constexpr std::string_view kOpenTemp = "-ERR [SYS/TEMP] Unable to open maildrop: System I/O error\r\n";
constexpr std::string_view kOpenLocked = "-ERR [IN-USE] Unable to lock maildrop: try again later\r\n";
constexpr std::string_view kReadTemp = "-ERR [SYS/TEMP] Could not read message file\r\n";
constexpr std::string_view kReadPerm = "-ERR [SYS/PERM] Could not read message file\r\n";
constexpr std::string_view kUpdateTemp = "-ERR [SYS/TEMP] Deletions were not carried out: try again later\r\n";

constexpr std::array<Refusal, 11> kRefusals{{
    {Errc::io, kOpenTemp, kReadTemp, kUpdateTemp},
    {Errc::not_found, "-ERR [SYS/TEMP] Unable to open maildrop: Mailbox does not exist\r\n", kReadPerm, kUpdateTemp},
    {Errc::permission, "-ERR [SYS/TEMP] Unable to open maildrop: Permission denied\r\n", kReadTemp, kUpdateTemp},
    {Errc::corrupt, "-ERR [SYS/PERM] Unable to open maildrop: Mailbox format corruption detected\r\n", kReadPerm,
     kUpdateTemp},
    {Errc::unsupported, "-ERR [SYS/PERM] Unable to open maildrop: Mailbox is not supported by this server\r\n",
     kReadTemp, kUpdateTemp},
    {Errc::busy, kOpenLocked, kReadTemp,
     "-ERR [SYS/TEMP] Unable to lock maildrop: deletions were not carried out, try again later\r\n"},
    {Errc::would_block, kOpenTemp, kReadTemp, kUpdateTemp},
    {Errc::timeout, kOpenLocked, kReadTemp, kUpdateTemp},
    {Errc::closed, kOpenTemp, kReadTemp, kUpdateTemp},
    {Errc::invalid, kOpenTemp, kReadTemp, kUpdateTemp},
    {Errc::limit, kOpenTemp, kReadTemp, kUpdateTemp},
}};

TEST(Reply, StoreErrorsBecomeFixedPhrasesWithResponseCodes) {  // RFC 2449 s8, RFC 3206 s4
  for (const Refusal& refusal : kRefusals) {
    const Error error(refusal.code, "mailbox user.ann: what only the log may say");
    EXPECT_EQ(could_not_open(error).text, refusal.open) << base::name(refusal.code);
    EXPECT_EQ(could_not_read_message(error).text, refusal.read) << base::name(refusal.code);
    EXPECT_EQ(could_not_update(error).text, refusal.update) << base::name(refusal.code);
  }
}

TEST(Reply, TellsHowFarApartLoginsMustBe) {  // RFC 2449 s8.1.1
  EXPECT_EQ(login_delay(10).text, "-ERR [LOGIN-DELAY] Logins must be at least 10 minutes apart\r\n");
  EXPECT_EQ(login_delay(1).text, "-ERR [LOGIN-DELAY] Logins must be at least 1 minute apart\r\n");
}

}  // namespace
}  // namespace pop3
