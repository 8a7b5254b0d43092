#include "maildrop/maildrop.hpp"

#include "support/memory_mailbox.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace maildrop {
namespace {

using support::maildrop_of_sizes;
using support::MemoryStore;
using support::open_maildrop;
using support::store_of;

constexpr MessageNumber n(std::uint32_t number) { return MessageNumber{number}; }

TEST(Maildrop, NumbersMessagesFromOneInUidOrder) {  // RFC 1939 s4
  MemoryStore store = store_of({"a", "bb", "ccc"});
  const Maildrop drop = open_maildrop(store);
  EXPECT_EQ(drop.count(), 3U);
  EXPECT_EQ(value(drop.octets(n(1))), 1U);
  EXPECT_EQ(value(drop.octets(n(3))), 3U);
  std::string id;
  drop.append_unique_id(n(2), id);
  EXPECT_EQ(id, "1795381165.12");
}

TEST(Maildrop, TellsTheUidOfANumberAndTheOctetsOfAUid) {
  MemoryStore store = store_of({"a", "bb", "ccc"});
  Maildrop drop = open_maildrop(store);
  drop.mark_deleted(n(2));
  EXPECT_EQ(value(drop.octets(drop.uid(n(2)))), 2U);
  EXPECT_EQ(value(drop.octets(drop.uid(n(3)))), 3U);
  EXPECT_EQ(value(drop.octets(Uid{4'000'000})), 0U);
  EXPECT_EQ(value(drop.octets(Uid{0})), 0U);
}

TEST(Maildrop, KnowsNoNumberZeroAndNoneBehindTheLast) {
  MemoryStore store = store_of({"a", "b"});
  const Maildrop drop = open_maildrop(store);
  EXPECT_FALSE(drop.exists(n(0)));
  EXPECT_TRUE(drop.exists(n(1)));
  EXPECT_TRUE(drop.exists(n(2)));
  EXPECT_FALSE(drop.exists(n(3)));
  EXPECT_FALSE(drop.exists(n(4294967295U)));
}

TEST(Maildrop, EmptyMaildropHasNothing) {
  MemoryStore store;
  const Maildrop drop = open_maildrop(store);
  EXPECT_EQ(drop.count(), 0U);
  EXPECT_EQ(drop.remaining(), 0U);
  EXPECT_EQ(value(drop.remaining_octets()), 0U);
  EXPECT_FALSE(drop.exists(n(1)));
}

TEST(Maildrop, DeletedMessageKeepsItsNumberButLeavesTheTotals) {  // RFC 1939 s5, DELE and STAT
  MemoryStore store = store_of({"a", "bb", "ccc"});
  Maildrop drop = open_maildrop(store);
  drop.mark_deleted(n(2));
  EXPECT_FALSE(drop.exists(n(2)));
  EXPECT_TRUE(drop.exists(n(3)));
  EXPECT_EQ(drop.count(), 3U);
  EXPECT_EQ(drop.remaining(), 2U);
  EXPECT_EQ(drop.deleted(), 1U);
  EXPECT_EQ(value(drop.remaining_octets()), 4U);
}

TEST(Maildrop, TotalsPassFourGibibytes) {
  MemoryStore store;
  Maildrop drop = maildrop_of_sizes(store, {3221225472U, 3221225472U, 45});
  EXPECT_EQ(value(drop.remaining_octets()), 6442450989U);
  drop.mark_deleted(n(1));
  EXPECT_EQ(value(drop.remaining_octets()), 3221225517U);
}

TEST(Maildrop, ResetForgetsDeletionsAndRetrievals) {  // RFC 1939 s5, RSET
  MemoryStore store = store_of({"a", "bb"});
  Maildrop drop = open_maildrop(store);
  drop.mark_deleted(n(1));
  drop.mark_retrieved(n(2));
  drop.reset();
  EXPECT_TRUE(drop.exists(n(1)));
  EXPECT_EQ(value(drop.remaining_octets()), 3U);
  ASSERT_TRUE(drop.update());
  EXPECT_TRUE(store.updates.at(0).deleted.empty());
  EXPECT_TRUE(store.updates.at(0).retrieved.empty());
}

TEST(Maildrop, UpdateAsksForDeletionsAndForTheRetrievedThatStay) {  // RFC 1939 s6
  MemoryStore store = store_of({"a", "b", "c", "d"});
  Maildrop drop = open_maildrop(store);
  drop.mark_retrieved(n(1));
  drop.mark_retrieved(n(2));
  drop.mark_deleted(n(2));
  drop.mark_deleted(n(4));
  const auto report = drop.update();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 2U);
  ASSERT_EQ(store.updates.size(), 1U);
  EXPECT_EQ(store.updates[0].deleted, (std::vector<Uid>{Uid{12}, Uid{14}}));
  EXPECT_EQ(store.updates[0].retrieved, (std::vector<Uid>{Uid{11}}));
  EXPECT_EQ(store.messages.size(), 2U);
}

TEST(Maildrop, UpdateSaysWhoAsksAndHowLargeDeletedMessagesWere) {
  MemoryStore store = store_of({"a", "bb", "ccc"});
  Maildrop drop = open_maildrop(store);
  drop.mark_deleted(n(1));
  drop.mark_deleted(n(3));
  ASSERT_TRUE(drop.update("session-1"));
  ASSERT_EQ(store.updates.size(), 1u);
  EXPECT_EQ(store.updates[0].session_id, "session-1");
  EXPECT_EQ(store.updates[0].deleted_octets, (std::vector<std::uint64_t>{1, 3}));
}

TEST(Maildrop, AllowsDeletionsUnlessTheStoreSaysOtherwise) {
  class Guarded : public support::MemoryMailbox {
   public:
    using MemoryMailbox::MemoryMailbox;
    bool may_delete() const override { return false; }
  };
  MemoryStore store = store_of({"a"});
  EXPECT_TRUE(open_maildrop(store).may_delete());
  EXPECT_FALSE(Maildrop(std::make_unique<Guarded>(store), {}).may_delete());
}

TEST(Maildrop, UpdateMayBeRepeatedAfterBusy) {
  MemoryStore store = store_of({"a", "b"});
  Maildrop drop = open_maildrop(store);
  drop.mark_deleted(n(1));
  store.next_failure.emplace(base::Errc::busy, "locked");
  const auto first = drop.update();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, base::Errc::busy);
  EXPECT_EQ(store.messages.size(), 2U);
  const auto second = drop.update();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->removed, 1U);
}

TEST(Maildrop, OpensTheMessageBehindTheNumber) {
  MemoryStore store = store_of({"first", "second"});
  Maildrop drop = open_maildrop(store);
  const auto message = drop.open(n(2), Access::may_block);
  ASSERT_TRUE(message);
  std::string text((*message)->size(), '\0');
  const auto got = (*message)->read(text, 0, Access::may_block);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 6U);
  EXPECT_EQ(text, "second");
}

TEST(Maildrop, ReportsAMessageThatHasGone) {
  MemoryStore store = store_of({"first"});
  Maildrop drop = open_maildrop(store);
  store.messages.clear();
  const auto message = drop.open(n(1), Access::may_block);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, base::Errc::not_found);
}

TEST(MaildropDeathTest, AskingForAMessageThatDoesNotExistStopsTheProcess) {
  MemoryStore store = store_of({"a"});
  Maildrop drop = open_maildrop(store);
  EXPECT_DEATH(static_cast<void>(drop.octets(n(0))), "CHECK failed");
  EXPECT_DEATH(static_cast<void>(drop.octets(n(2))), "CHECK failed");
  drop.mark_deleted(n(1));
  EXPECT_DEATH(drop.mark_deleted(n(1)), "CHECK failed");
}

RC_GTEST_PROP(MaildropProperty, TotalsAreThoseOfTheMessagesThatAreLeft, ()) {
  const auto sizes = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::arbitrary<std::uint32_t>());
  const auto marks = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 40));
  MemoryStore store;
  Maildrop drop = maildrop_of_sizes(store, {sizes.begin(), sizes.end()});
  for (const std::uint32_t mark : marks) {
    if (drop.exists(n(mark))) drop.mark_deleted(n(mark));
  }
  std::uint64_t octets = 0;
  std::uint32_t left = 0;
  for (std::uint32_t i = 1; i <= drop.count(); ++i) {
    if (!drop.exists(n(i))) continue;
    ++left;
    octets += sizes[i - 1];
  }
  RC_ASSERT(drop.remaining() == left);
  RC_ASSERT(value(drop.remaining_octets()) == octets);
}

}  // namespace
}  // namespace maildrop
