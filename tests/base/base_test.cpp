#include "base/ascii.hpp"
#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/local_time.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sha1.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace base {
namespace {

TEST(LocalTime, MidnightIsThatOfTheZone) {
  setenv("TZ", "XYZ5", 1);  // five hours west
  tzset();
  EXPECT_EQ(local_midnight(2026, 11, 2), 1'793'577'600 + 5 * 3600);
  EXPECT_EQ(local_midnight(2026, 10, 33), 1'793'577'600 + 5 * 3600);
  setenv("TZ", "XYZ-5", 1);
  tzset();
  EXPECT_EQ(local_midnight(1970, 1, 1), std::nullopt);
  unsetenv("TZ");
  tzset();
}

TEST(Sha1, OfPiecesIsThatOfTheWhole) {  // FIPS 180-4, the example of one block
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  Sha1 sum;
  sum.add("a");
  sum.add("");
  sum.add("bc");
  EXPECT_EQ(sum.finish(), sha1("abc"));
}

TEST(Result, SystemErrorsNameTheObjectAndKeepTheirKind) {
  const Error missing = system_error("/x/cyrus.index", ENOENT);
  EXPECT_EQ(missing.code, Errc::not_found);
  EXPECT_EQ(missing.errnum, ENOENT);
  EXPECT_EQ(missing.text, "/x/cyrus.index: No such file or directory");
  EXPECT_EQ(system_error("x", EACCES).code, Errc::permission);
  EXPECT_EQ(system_error("x", EIO).code, Errc::io);
}

TEST(Crc32, IsThatOfZlib) {
  EXPECT_EQ(crc32(std::string_view("123456789")), 0xCBF43926U);  // the check value of the polynomial
  EXPECT_EQ(crc32(std::string_view("6789"), crc32(std::string_view("12345"))), 0xCBF43926U);
  EXPECT_EQ(crc32(std::string_view("")), 0U);
}

RC_GTEST_PROP(ByteOrder, WhatIsStoredIsLoaded, (std::uint64_t value)) {
  std::array<unsigned char, 16> bytes{};
  store_be64(bytes, 3, value);
  RC_ASSERT(load_be64(bytes, 3) == value);
  RC_ASSERT(bytes[3] == static_cast<unsigned char>(value >> 56));
  store_be32(bytes, 12, static_cast<std::uint32_t>(value));
  RC_ASSERT(load_be32(bytes, 12) == static_cast<std::uint32_t>(value));
}

TEST(Ascii, KnowsNoLocale) {
  EXPECT_EQ(ascii::lower("ABCxyz\xC4"), "abcxyz\xC4");
  EXPECT_TRUE(ascii::equal_ignoring_case("QuIt", "qUiT"));
  EXPECT_FALSE(ascii::equal_ignoring_case("QUIT", "QUIT "));
  EXPECT_EQ(ascii::trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(ascii::trim("  "), "");
}

TEST(Log, NothingInATextCanBeginALineOrHide) {
  std::vector<std::string> lines;
  const Log log([&](Severity, std::string_view line) { lines.emplace_back(line); });
  log.notice("badlogin: [1.2.3.4] (eve\r\nlogin: root\x1b[2J\x7f\xff) %s%n");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "badlogin: [1.2.3.4] (eve\\x0d\\x0alogin: root\\x1b[2J\\x7f\\xff) %s%n");
}

TEST(Log, HandsTheSeverityOn) {
  std::vector<Severity> seen;
  const Log log([&](Severity severity, std::string_view) { seen.push_back(severity); });
  log.critical("a");
  log.error("b");
  log.warning("c");
  log.notice("d");
  log.info("e");
  log.debug("f");
  EXPECT_EQ(seen, (std::vector{Severity::critical, Severity::error, Severity::warning, Severity::notice, Severity::info,
                               Severity::debug}));
}

TEST(Secret, MovesWithoutLeavingACopy) {
  Secret first("a password that is longer than any small-string buffer");
  Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(second.view(), "a password that is longer than any small-string buffer");
  Secret third;
  third = std::move(second);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  third.wipe();
  EXPECT_TRUE(third.empty());
}

TEST(Secret, WipeAlsoClearsWhatLiesBehindTheSize) {
  std::string text("0123456789abcdef0123456789abcdef");
  text.resize(4);  // the rest is still in the buffer
  const char* buffer = text.data();
  const std::size_t capacity = text.capacity();
  wipe(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), buffer);
  // The string still owns its capacity: what stood there must be gone.
  EXPECT_EQ(std::string_view(buffer, capacity).find_first_not_of('\0'), std::string_view::npos);
}

}  // namespace
}  // namespace base
