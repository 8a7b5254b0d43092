#include "net/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <string>

namespace net {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kNow = 1'800'000'000;

TEST(TicketKeys, ReadWhatTheyWrote) {
  const TicketKeys keys = TicketKeys().rotated(kNow - 1000, kDay).rotated(kNow, kDay);
  const auto read = TicketKeys::parse(keys.text());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->text(), keys.text());
  EXPECT_EQ(read->size(), 2U);
  EXPECT_EQ(read->newest().made, kNow);
}

TEST(TicketKeys, AreDueWhenTheNewestHasServedAQuarterOfALifetime) {
  EXPECT_TRUE(TicketKeys().is_due(kNow, kDay));
  const TicketKeys keys = TicketKeys().rotated(kNow, kDay);
  EXPECT_FALSE(keys.is_due(kNow, kDay));
  EXPECT_FALSE(keys.is_due(kNow + kDay / 4 - 1, kDay));
  EXPECT_TRUE(keys.is_due(kNow + kDay / 4, kDay));
}

TEST(TicketKeys, AreDueWhenAWrongClockMadeThem) {
  const TicketKeys keys = TicketKeys().rotated(kNow, kDay);
  EXPECT_FALSE(keys.is_due(kNow - 60, kDay));  // two machines
  EXPECT_TRUE(keys.is_due(kNow - 61, kDay));
  EXPECT_EQ(keys.rotated(kNow - 1000, kDay).size(), 1U);
}

TEST(TicketKeys, KeepAKeyUntilItsLastTicketHasExpired) {
  TicketKeys keys = TicketKeys().rotated(kNow, kDay);
  const TicketKey first = keys.newest();
  const std::int64_t last_use = kNow + kDay / 4;
  keys = keys.rotated(last_use, kDay);
  EXPECT_NE(keys.newest().name, first.name);
  EXPECT_NE(keys.newest().cipher, first.cipher);
  ASSERT_NE(keys.find(first.name), nullptr);
  EXPECT_EQ(keys.find(first.name)->mac, first.mac);
  EXPECT_NE(keys.rotated(last_use + kDay, kDay).find(first.name), nullptr);
  EXPECT_EQ(keys.rotated(last_use + kDay + 61, kDay).find(first.name), nullptr);
}

TEST(TicketKeys, StayFewHoweverOftenTheyRotate) {
  TicketKeys keys;
  for (std::int64_t i = 0; i < 1000; ++i) {
    keys = keys.rotated(kNow + i * kDay / 4, kDay);
    ASSERT_LE(keys.size(), 7U);
  }
  for (std::int64_t i = 0; i < 100; ++i) keys = keys.rotated(kNow, kDay);  // a clock that stands still
  EXPECT_EQ(keys.size(), TicketKeys::kMaxKeys);
}

TEST(TicketKeys, RefuseATextThatIsNotTheirs) {
  const std::string good = TicketKeys().rotated(kNow, kDay).text();
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {
    const auto read = TicketKeys::parse(good.substr(0, size));
    EXPECT_TRUE(!read || read->empty()) << size;
  }
  const std::string line = good.substr(good.find('\n') + 1);
  const auto error = [](const std::string& text) {
    const auto read = TicketKeys::parse(text);
    return read ? "none" : read.error().text;
  };
  EXPECT_EQ(error(""), "does not begin as a file of ticket keys");
  EXPECT_EQ(error(good + line), "a key is there twice");
  EXPECT_EQ(error(good + "\n"), "a line is no key");
  EXPECT_EQ(error(good + "-1" + line.substr(line.find(' '))), "a line is no key");
  EXPECT_EQ(error(good + "99999999999999999999" + line.substr(line.find(' '))), "a line is no key");
  std::string many = good;
  for (int i = 0; i < 16; ++i) {
    const std::string next = TicketKeys().rotated(kNow, kDay).text();
    many += next.substr(next.find('\n') + 1);
  }
  EXPECT_EQ(error(many), "too many keys");
}

}  // namespace
}  // namespace net
