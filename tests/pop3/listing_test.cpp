#include "pop3/listing.hpp"

#include "conversation.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace pop3 {
namespace {

using support::MemoryStore;

std::string all(Listing::Kind kind, const maildrop::Maildrop& drop, std::size_t octets) {
  std::string out;
  ListingWriter writer(kind, drop);
  while (writer.write(out, octets)) {
  }
  return out;
}

TEST(Listing, ScanListingHasARowPerMessage) {  // RFC 1939 s5, LIST
  MemoryStore store = support::store_of({"a", "bb", "ccc"});
  const auto drop = support::open_maildrop(store);
  EXPECT_EQ(all(Listing::Kind::scan, drop, 65536), "+OK scan listing follows\r\n1 1\r\n2 2\r\n3 3\r\n.\r\n");
}

TEST(Listing, UniqueIdListingHasARowPerMessage) {  // RFC 1939 s7, UIDL
  MemoryStore store = support::store_of({"a", "bb"});
  const auto drop = support::open_maildrop(store);
  EXPECT_EQ(all(Listing::Kind::unique_id, drop, 65536),
            "+OK unique-id listing follows\r\n1 1795381165.11\r\n2 1795381165.12\r\n.\r\n");
}

TEST(Listing, EmptyMaildropHasAnEmptyListing) {  // RFC 1939 s5
  MemoryStore store;
  const auto drop = support::open_maildrop(store);
  EXPECT_EQ(all(Listing::Kind::scan, drop, 1), "+OK scan listing follows\r\n.\r\n");
  EXPECT_EQ(all(Listing::Kind::unique_id, drop, 1), "+OK unique-id listing follows\r\n.\r\n");
}

TEST(Listing, LeavesDeletedMessagesOut) {
  MemoryStore store = support::store_of({"a", "bb", "ccc"});
  auto drop = support::open_maildrop(store);
  drop.mark_deleted(MessageNumber{1});
  drop.mark_deleted(MessageNumber{3});
  EXPECT_EQ(all(Listing::Kind::scan, drop, 65536), "+OK scan listing follows\r\n2 2\r\n.\r\n");
}

TEST(Listing, ShowsTheLargestSizeThatAnEntryHolds) {
  MemoryStore store;
  const auto drop = support::maildrop_of_sizes(store, {(std::uint64_t{1} << 62) - 1});
  EXPECT_EQ(all(Listing::Kind::scan, drop, 65536), "+OK scan listing follows\r\n1 4611686018427387903\r\n.\r\n");
}

TEST(Listing, PiecesAreWholeLinesOfAboutTheSizeAskedFor) {
  MemoryStore store;
  const auto drop = support::maildrop_of_sizes(store, std::vector<std::uint64_t>(1000, 12345));
  ListingWriter writer(Listing::Kind::scan, drop);
  std::string whole;
  int pieces = 0;
  for (bool more = true; more; ++pieces) {
    std::string piece;
    more = writer.write(piece, 500);
    EXPECT_TRUE(piece.ends_with("\r\n"));
    EXPECT_LT(piece.size(), 540U);
    whole += piece;
  }
  EXPECT_GT(pieces, 10);
  EXPECT_EQ(whole, all(Listing::Kind::scan, drop, 1 << 20));
}

TEST(Listing, AppendsToWhatIsThereAndStaysSilentAfterTheDot) {
  MemoryStore store = support::store_of({"a"});
  const auto drop = support::open_maildrop(store);
  std::string out = "+OK\r\n";
  ListingWriter writer(Listing::Kind::scan, drop);
  EXPECT_FALSE(writer.write(out, 65536));
  EXPECT_EQ(out, "+OK\r\n+OK scan listing follows\r\n1 1\r\n.\r\n");
  EXPECT_FALSE(writer.write(out, 65536));
  EXPECT_TRUE(out.ends_with("1 1\r\n.\r\n"));
}

TEST(Listing, TakesAnyNumberOfOctetsToWrite) {
  MemoryStore store = support::store_of({"a", "b"});
  const auto drop = support::open_maildrop(store);
  const std::string expected = all(Listing::Kind::scan, drop, 1000);
  EXPECT_EQ(all(Listing::Kind::scan, drop, 0), expected);
  EXPECT_EQ(all(Listing::Kind::scan, drop, static_cast<std::size_t>(-1)), expected);
}

RC_GTEST_PROP(ListingProperty, TheReplyForOneNumberEqualsItsRow, ()) {  // RFC 1939 s5 LIST, s7 UIDL
  const auto sizes = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::arbitrary<std::uint32_t>());
  const auto octets = *rc::gen::inRange<std::size_t>(0, 200);
  MemoryStore store;
  auto drop = support::maildrop_of_sizes(store, {sizes.begin(), sizes.end()});
  for (std::uint32_t number = 1; number <= drop.count(); ++number) {
    if (*rc::gen::inRange(0, 4) == 0) drop.mark_deleted(MessageNumber{number});
  }
  for (const std::string keyword : {"LIST", "UIDL"}) {
    const auto kind = keyword == "LIST" ? Listing::Kind::scan : Listing::Kind::unique_id;
    std::string rows;
    std::uint32_t listed = 0;
    for (std::uint32_t number = 1; number <= drop.count(); ++number) {
      const std::string reply = say(keyword + ' ' + std::to_string(number), drop);
      if (reply == "-ERR No such message\r\n") continue;
      RC_ASSERT(reply.starts_with("+OK "));
      rows += reply.substr(4);
      ++listed;
    }
    const std::string listing = all(kind, drop, octets);
    RC_ASSERT(listing.substr(listing.find("\r\n") + 2) == rows + ".\r\n");
    RC_ASSERT(listed == drop.remaining());
  }
}

}  // namespace
}  // namespace pop3
