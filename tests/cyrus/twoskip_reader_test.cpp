#include "cyrus/twoskip_reader.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "cyrus/twoskip_builder.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace cyrus {
namespace {

using base::Errc;
using Bytes = std::vector<unsigned char>;
using Content = std::map<std::string, std::string>;
using testing::TwoskipBuilder;

base::Result<TwoskipReader> open(const Bytes& file) {
  const ReadAt read = [&file](std::span<unsigned char> into, std::uint64_t offset) -> base::Result<std::size_t> {
    if (offset >= file.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), file.size() - offset);
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  };
  return TwoskipReader::open(read, file.size(), "test.db");
}

base::Result<Content> content(const TwoskipReader& reader, bool any_order = false) {
  Content found;
  const auto done = reader.walk(
      [&](TwoskipItem&& item) {
        found.emplace(std::move(item.key), std::move(item.value));
        return true;
      },
      any_order);
  if (!done) return tl::unexpected(done.error());
  return found;
}

base::Result<Content> content(const Bytes& file) {
  const auto reader = open(file);
  if (!reader) return tl::unexpected(reader.error());
  return content(*reader);
}

std::string found(const TwoskipReader& reader, std::string_view key) {
  const auto value = reader.find(key);
  return value ? *value : std::string(base::name(value.error().code));
}

// Repairs the head CRC of a record whose head was changed by a test.
void sign_head(Bytes& file, std::size_t at) {
  const std::size_t crc_at = at + 8 + 8 * (std::size_t{file[at + 1]} + 1);
  base::store_be32(file, crc_at, base::crc32(std::span(file).subspan(at, crc_at - at)));
}

void sign_header(Bytes& file) { base::store_be32(file, 60, base::crc32(std::span(file).first(60))); }

Errc failure(const Bytes& file) {
  const auto result = content(file);
  EXPECT_FALSE(result.has_value());
  return result ? Errc::io : result.error().code;
}

Bytes three_records() {
  TwoskipBuilder builder;
  builder.store("a", "1", 1);
  builder.store("b", "2", 3);
  builder.store("c", "3", 2);
  builder.commit();
  return builder.bytes();
}

TEST(TwoskipReader, AnEmptyDatabaseHasNothing) {
  const Bytes file = TwoskipBuilder().bytes();
  EXPECT_EQ(file.size(), 336U);
  const auto reader = open(file);
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_TRUE(reader->clean());
  EXPECT_EQ(found(*reader, "a"), "not_found");
  EXPECT_TRUE(content(*reader)->empty());
  EXPECT_FALSE(reader->first_from("")->has_value());
}

TEST(TwoskipReader, FindsEveryKeyAndNoOther) {
  const Bytes file = three_records();
  const auto reader = open(file);
  ASSERT_TRUE(reader);
  EXPECT_EQ(found(*reader, "a"), "1");
  EXPECT_EQ(found(*reader, "b"), "2");
  EXPECT_EQ(found(*reader, "c"), "3");
  for (const char* missing : {"", "A", "aa", "bb", "d"}) EXPECT_EQ(found(*reader, missing), "not_found");
}

TEST(TwoskipReader, FirstFromGivesTheNextKeyInOrder) {
  const Bytes file = three_records();
  const auto reader = open(file);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader->first_from("aa"))->key, "b");
  EXPECT_EQ((*reader->first_from("b"))->key, "b");
  EXPECT_FALSE(reader->first_from("ca")->has_value());
}

TEST(TwoskipReader, AWalkStopsWhenTheVisitorHasEnough) {
  const Bytes file = three_records();
  const auto reader = open(file);
  ASSERT_TRUE(reader);
  int visits = 0;
  ASSERT_TRUE(reader->walk([&](TwoskipItem&&) { return ++visits < 2; }));
  EXPECT_EQ(visits, 2);
}

// doc/format/twoskip.md, the example: two transactions of a real Cyrus, step by step from our own writer.
TEST(TwoskipReader, TheWorkedExampleIsWhatARealCyrusWrote) {
  const std::string id = "m6ezjlc29urvbpnuvn507t0e";
  TwoskipBuilder builder;
  builder.store(
      "Nuser\x1f"
      "eve",
      "%(T ei I " + id + " M 1795382167)", 2);
  builder.store("I" + id,
                "%(T ei N user\x1f"
                "eve M 1795382167 H ())",
                1);
  builder.commit();
  const std::string rest = " P default V 1795382168 C 1 F 1 M 1795382167 A %(eve lrswipkxtecdan)";
  builder.store(
      "Nuser\x1f"
      "eve",
      "%(T e I " + id + rest + ")", 1);
  builder.store("I" + id,
                "%(T e N user\x1f"
                "eve" +
                    rest + " H ())",
                1);
  builder.commit();

  const support::SampleStore sample("cyrus361-one");
  const auto real = base::read_file(sample.root() / "conf" / "mailboxes.db", 4096);
  ASSERT_TRUE(real);
  EXPECT_TRUE(std::ranges::equal(builder.bytes(), *real,
                                 [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); }));

  const auto reader = open(builder.bytes());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->header().version, 1U);
  EXPECT_EQ(reader->header().generation, 1U);
  EXPECT_EQ(reader->header().record_count, 2U);
  EXPECT_EQ(reader->header().repack_size, 0x150U);
  EXPECT_EQ(reader->header().current_size, 0x368U);
  EXPECT_TRUE(reader->clean());
  EXPECT_EQ(found(*reader,
                  "Nuser\x1f"
                  "eve"),
            "%(T e I " + id + rest + ")");
  EXPECT_EQ(content(*reader)->size(), 2U);
}

TEST(TwoskipReader, ReplacedAndRemovedRecordsAreGone) {
  TwoskipBuilder builder;
  for (const char* key : {"a", "b", "c", "d"}) builder.store(key, "old", 2);
  builder.commit();
  builder.store("b", "new", 4);
  builder.remove("c");
  builder.commit();
  builder.remove("d");
  builder.commit();
  EXPECT_EQ(*content(builder.bytes()), (Content{{"a", "old"}, {"b", "new"}}));
  const auto reader = open(builder.bytes());
  EXPECT_EQ(found(*reader, "c"), "not_found");
  EXPECT_EQ((*reader->first_from("b"))->value, "new");
}

TEST(TwoskipReader, LongLengthsAreTaken) {
  // A head with both 64-bit lengths, which writers use for keys of 65535 octets and more.
  TwoskipBuilder builder;
  builder.store(std::string(5'000, 'k'), std::string(100'000, 'v'), 1);
  builder.commit();
  Bytes file = builder.bytes();
  const std::size_t at = 336;
  Bytes longer(file.begin(), file.begin() + at + 8);
  base::store_be16(longer, at + 2, 0xffff);
  base::store_be32(longer, at + 4, 0xffffffff);
  longer.resize(at + 24);
  base::store_be64(longer, at + 8, 5'000);
  base::store_be64(longer, at + 16, 100'000);
  longer.insert(longer.end(), file.begin() + at + 8, file.end());
  base::store_be32(longer, at + 40, base::crc32(std::span(longer).subspan(at, 40)));
  base::store_be64(longer, 48, longer.size());
  sign_header(longer);
  const auto items = content(longer);
  ASSERT_TRUE(items) << items.error().text;
  EXPECT_EQ(*items, (Content{{std::string(5'000, 'k'), std::string(100'000, 'v')}}));
}

TEST(TwoskipReader, ADirtyFileIsReadAsOfTheLastCommit) {
  TwoskipBuilder builder;
  for (const char* key : {"a", "c", "e"}) builder.store(key, "old", 2);
  builder.commit();
  builder.store("b", "lost", 3);
  builder.store("c", "lost", 1);
  builder.remove("e");
  const auto reader = open(builder.bytes());
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_FALSE(reader->clean());
  EXPECT_EQ(*content(*reader), (Content{{"a", "old"}, {"c", "old"}, {"e", "old"}}));
  EXPECT_EQ(found(*reader, "b"), "not_found");
  EXPECT_EQ(found(*reader, "c"), "old");
}

TEST(TwoskipReader, GarbageBehindTheCommittedEndIsIgnored) {
  Bytes file = three_records();
  file.insert(file.end(), 100, 0xee);
  const auto reader = open(file);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->clean());
  EXPECT_EQ(content(*reader)->size(), 3U);
}

TEST(TwoskipReader, ANewerVersionIsUnsupported) {
  Bytes file = three_records();
  file[23] = 2;
  sign_header(file);
  EXPECT_EQ(failure(file), Errc::unsupported);
}

TEST(TwoskipReader, ATruncatedFileIsCorruptAtEveryLength) {
  const Bytes whole = three_records();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(failure(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), Errc::corrupt) << size;
  }
}

TEST(TwoskipReader, AFileCutBehindTheSizeCheckIsCorruptToo) {
  const Bytes file = three_records();
  const ReadAt read = [&file](std::span<unsigned char> into, std::uint64_t offset) -> base::Result<std::size_t> {
    const std::size_t size = file.size() - 60;  // as if cut between fstat and pread
    const std::size_t count = offset < size ? std::min<std::size_t>(into.size(), size - offset) : 0;
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(offset, size)), count, into.begin());
    return count;
  };
  const auto reader = TwoskipReader::open(read, file.size(), "test.db");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::corrupt);
}

TEST(TwoskipReader, AListThatLeadsBackIsCorrupt) {
  Bytes file = three_records();
  const std::size_t first = base::load_be64(file, 64 + 16);  // the dummy's p[1]
  const std::size_t second = base::load_be64(file, first + 16);
  base::store_be64(file, second + 16, first);
  sign_head(file, second);
  EXPECT_EQ(failure(file), Errc::corrupt);
  const auto endless = content(*open(file), true);  // bounded by the room in the file
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Errc::corrupt);
}

TEST(TwoskipReader, AChainOfDeletesThatLeadsToItselfIsCorrupt) {
  TwoskipBuilder builder;
  builder.store("a", "1", 1);
  builder.commit();
  builder.remove("a");
  builder.commit();
  Bytes file = builder.bytes();
  const std::size_t dead = std::max(base::load_be64(file, 72), base::load_be64(file, 80));
  ASSERT_EQ(file[dead], '-');
  base::store_be64(file, dead + 8, dead);
  sign_head(file, dead);
  EXPECT_EQ(failure(file), Errc::corrupt);
}

TEST(TwoskipReader, PointersMustLeadToRecordsOfTheirLists) {
  const Bytes file = three_records();
  // Into the header, off the grid, to the dummy, into the middle of a record, to a record that is too low for the list.
  for (const std::uint64_t wrong : {8U, 337U, 64U, 344U}) {
    for (const std::size_t slot : {72U, 80U, 88U}) {
      Bytes changed = file;
      if (slot == 72) base::store_be64(changed, 80, 0);  // else the larger one would be taken
      base::store_be64(changed, slot, wrong);
      sign_head(changed, 64);
      const auto value = open(changed)->find("a");  // looks at every pointer of the dummy
      ASSERT_FALSE(value) << wrong << " in " << slot;
      EXPECT_EQ(value.error().code, Errc::corrupt) << wrong << " in " << slot;
    }
  }
  Bytes changed = file;
  base::store_be64(changed, 88, 336);  // list 1 -> "a", which is of level 1
  sign_head(changed, 64);
  const auto value = open(changed)->find("a");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Errc::corrupt);
}

TEST(TwoskipReader, ARecordThatClaimsMoreThanTheFileHasIsCorrupt) {
  for (const std::uint64_t size : {std::uint64_t{1} << 20, ~std::uint64_t{0}, ~std::uint64_t{0} - 6}) {
    TwoskipBuilder builder;
    builder.store("k", std::string(64, 'v'), 1);
    builder.commit();
    Bytes file = builder.bytes();
    base::store_be32(file, 336 + 4, 0xffffffff);  // the value's length is now where p[0] was, and so on
    base::store_be64(file, 336 + 8, size);
    base::store_be64(file, 336 + 16, 0);
    base::store_be64(file, 336 + 24, 0);
    base::store_be32(file, 336 + 32, base::crc32(std::span(file).subspan(336, 32)));
    EXPECT_EQ(failure(file), Errc::corrupt) << size;
  }
}

RC_GTEST_PROP(TwoskipReaderProperty, WhatAWriterCommittedIsRead, ()) {
  TwoskipBuilder builder;
  Content expected;
  const int transactions = *rc::gen::inRange(1, 6);
  for (int t = 0; t < transactions; ++t) {
    const Content before = expected;
    const int changes = *rc::gen::inRange(0, 12);
    for (int i = 0; i < changes; ++i) {
      const std::string key(1 + *rc::gen::inRange<std::size_t>(0, 3), static_cast<char>('a' + *rc::gen::inRange(0, 6)));
      if (expected.contains(key) && *rc::gen::inRange(0, 3) == 0) {
        builder.remove(key);
        expected.erase(key);
      } else {
        const std::string value(*rc::gen::inRange<std::size_t>(0, 90), 'v');
        builder.store(key, value + std::to_string(t), *rc::gen::inRange(1, 7));
        expected[key] = value + std::to_string(t);
      }
    }
    builder.commit();
    // Whatever a crash left of this transaction, the state before it is what counts.
    if (changes > 0) {
      for (const Bytes& state : builder.states()) {
        const auto seen = content(state);
        RC_ASSERT(seen.has_value());
        RC_ASSERT(*seen == before);
        const auto reader = open(state);
        for (const auto& [key, value] : before) RC_ASSERT(found(*reader, key) == value);
      }
    }
  }
  const auto reader = open(builder.bytes());
  RC_ASSERT(reader.has_value());
  RC_ASSERT(reader->clean());
  RC_ASSERT(reader->header().record_count == expected.size());
  RC_ASSERT(*content(*reader) == expected);
  for (const auto& [key, value] : expected) RC_ASSERT(found(*reader, key) == value);
}

RC_GTEST_PROP(TwoskipReaderProperty, AFlippedBitNeverYieldsWrongData, ()) {
  TwoskipBuilder builder;
  for (const char* key : {"a", "b", "c", "d", "e"})
    builder.store(key, std::string("value of ") + key, *rc::gen::inRange(1, 5));
  builder.commit();
  Bytes file = builder.bytes();
  const auto at = *rc::gen::inRange<std::size_t>(0, file.size());
  file[at] = static_cast<unsigned char>(file[at] ^ (1U << *rc::gen::inRange(0U, 8U)));
  const auto seen = content(file);
  // Bits of fillers and of the commit record are never looked at.
  if (seen) RC_ASSERT(seen->size() == 5 && seen->at("c") == "value of c");
}

RC_GTEST_PROP(TwoskipReaderProperty, SignedNonsenseIsHandled, ()) {
  // A hostile writer signs what it changes: checksums protect from accidents only.
  TwoskipBuilder builder;
  for (const char* key : {"a", "b", "c", "d"}) builder.store(key, "v", *rc::gen::inRange(1, 5));
  builder.remove("b");
  builder.commit();
  Bytes file = builder.bytes();
  const int changes = *rc::gen::inRange(1, 5);
  for (int i = 0; i < changes; ++i) {
    const std::size_t at = *rc::gen::inRange<std::size_t>(3, file.size() / 8) * 8;
    base::store_be64(file, at, *rc::gen::inRange<std::uint64_t>(0, file.size() + 64));
  }
  sign_header(file);
  for (std::size_t at = 64; at + 32 < file.size(); at += 8) {
    const bool record = file[at] == '=' || file[at] == '+' || file[at] == '-';
    if (record && file[at + 1] < 32 && at + 16 + 8 * (file[at + 1] + 1U) <= file.size()) sign_head(file, at);
  }
  const auto reader = open(file);
  if (!reader) return;
  static_cast<void>(content(*reader));
  static_cast<void>(content(*reader, true));
  static_cast<void>(reader->find("c"));
}

}  // namespace
}  // namespace cyrus
