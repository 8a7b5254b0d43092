#include "cyrus/store.hpp"

#include "config/imapd_conf.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// The mail stores in tests/data were written by real Cyrus releases, and the numbers below printed by their pop3d.

namespace cyrus {
namespace {

using maildrop::Access;
using maildrop::MessageNumber;

struct Listed {
  std::uint64_t octets;
  std::string unique_id;

  friend bool operator==(const Listed&, const Listed&) = default;
  friend void PrintTo(const Listed& listed, std::ostream* out) { *out << listed.octets << ' ' << listed.unique_id; }
};

StoreConfig config_of(const support::SampleStore& sample) {
  const auto conf = config::ImapdConf::load(sample.imapd_conf(), "pop3");
  if (!conf) throw std::runtime_error(conf.error().text);
  auto store = store_config(*conf);
  if (!store) throw std::runtime_error(store.error().text);
  return std::move(*store);
}

const base::Log kNoLog([](base::Severity, std::string_view) {});

std::vector<Listed> list(const StoreConfig& config, const MaildropName& name) {
  Store store(config, kNoLog);
  const auto drop = store.open_maildrop(name);
  if (!drop) {
    ADD_FAILURE() << drop.error().text;
    return {};
  }
  std::vector<Listed> rows;
  for (std::uint32_t n = 1; n <= (*drop)->count(); ++n) {
    Listed row{maildrop::value((*drop)->octets(MessageNumber{n})), ""};
    (*drop)->append_unique_id(MessageNumber{n}, row.unique_id);
    // What is listed must be there, to the octet.
    const auto message = (*drop)->open(MessageNumber{n}, Access::may_block);
    EXPECT_TRUE(message) << message.error().text;
    if (message) {
      std::string text(row.octets + 1, '\0');
      EXPECT_EQ((*message)->read(text, 0, Access::may_block), std::size_t{row.octets});
      EXPECT_NE(text.find("\r\n\r\n"), std::string::npos);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

TEST(Store, ListsTheMailboxOfTheWorkedExample) {
  const support::SampleStore sample("cyrus361-one");
  EXPECT_EQ(list(config_of(sample), {"eve", ""}), (std::vector<Listed>{{437, "1795382168.2"}}));
}

TEST(Store, ListsUniqueidDirectoriesOf361) {
  const support::SampleStore sample("cyrus361-uuid");
  const StoreConfig config = config_of(sample);
  EXPECT_EQ(list(config, {"alice", ""}),
            (std::vector<Listed>{
                {480, "1795382168.1"}, {1236, "1795382168.3"}, {442, "1795382168.4"}, {452, "1795382168.5"}}));
  EXPECT_EQ(list(config, {"bob", ""}), (std::vector<Listed>{{480, "1795382168.1"}, {446, "1795382168.2"}}));
  const auto archive = list(config, {"alice", "Archive"});
  ASSERT_EQ(archive.size(), 1u);
  EXPECT_EQ(archive[0].octets, 152u);
}

TEST(Store, ListsLegacyDirectoriesDomainsAndDottedUsersOf361) {
  const support::SampleStore sample("cyrus361-legacy-conv");
  const StoreConfig config = config_of(sample);
  const std::vector<Listed> expected = {{423, "1795382205.1"}, {424, "1795382205.3"}};
  EXPECT_EQ(list(config, {"ann.lee", ""}), expected);
  EXPECT_EQ(list(config, {"ann.lee@example.com", ""}), expected);
}

TEST(Store, ListsIndexVersion19Of3121) {
  const support::SampleStore sample("cyrus3121-uuid");
  const StoreConfig config = config_of(sample);
  EXPECT_EQ(list(config, {"alice", ""}),
            (std::vector<Listed>{
                {435, "1795387857.1"}, {643, "1795387857.3"}, {543, "1795387857.4"}, {436, "1795387857.5"}}));
  EXPECT_EQ(list(config, {"bob", ""}), (std::vector<Listed>{{435, "1795387857.1"}, {446, "1795387857.2"}}));
  EXPECT_EQ(list(config, {"alice", "INBOX.Archive"}).size(), 1u);
}

TEST(Store, ListsIndexVersion20) {
  const support::SampleStore sample("cyrus-v20-uuid");
  const StoreConfig config = config_of(sample);
  EXPECT_EQ(list(config, {"alice", ""}),
            (std::vector<Listed>{
                {435, "1795388159.1"}, {643, "1795388159.3"}, {543, "1795388159.4"}, {436, "1795388159.5"}}));
  EXPECT_EQ(list(config, {"bob", ""}), (std::vector<Listed>{{435, "1795388159.1"}, {446, "1795388159.2"}}));
  EXPECT_EQ(list(config, {"alice", "INBOX.Archive"}).size(), 1u);
}

TEST(Store, HidesDeletedMessagesWithPopuseimapflags) {
  const std::pair<const char*, const char*> samples[] = {
      {"cyrus361-uuid", "1795382168"}, {"cyrus3121-uuid", "1795387857"}, {"cyrus-v20-uuid", "1795388159"}};
  for (const auto& [name, uidvalidity] : samples) {
    const support::SampleStore sample(name);
    StoreConfig config = config_of(sample);
    config.pop_use_imap_flags = true;
    std::vector<std::string> ids;
    for (const Listed& row : list(config, {"alice", ""})) ids.push_back(row.unique_id);
    const std::string prefix = std::string(uidvalidity) + '.';
    EXPECT_EQ(ids, (std::vector<std::string>{prefix + '1', prefix + '3', prefix + '5'})) << name;
  }
}

TEST(Store, ShowsUniqueIdsInAllFourFormats) {  // RFC 1939 s7
  const support::SampleStore sample("cyrus361-one");
  StoreConfig config = config_of(sample);
  const std::pair<UidlFormat, const char*> formats[] = {{UidlFormat::cyrus, "1795382168.2"},
                                                        {UidlFormat::uidonly, "2"},
                                                        {UidlFormat::dovecot, "000000026b035b98"},
                                                        {UidlFormat::courier, "1795382168-2"}};
  for (const auto& [format, expected] : formats) {
    config.uidl_format = format;
    EXPECT_EQ(list(config, {"eve", ""}), (std::vector<Listed>{{437, expected}}));
  }
}

TEST(Store, GivesTheBytesOfTheMessageFile) {
  const support::SampleStore sample("cyrus361-one");
  std::ifstream file(sample.root() / "spool/uuid/m/6/m6ezjlc29urvbpnuvn507t0e/2.", std::ios::binary);
  const std::string expected(std::istreambuf_iterator<char>(file), {});
  Store store(config_of(sample), kNoLog);
  const auto drop = store.open_maildrop({"eve", ""});
  ASSERT_TRUE(drop) << drop.error().text;
  const auto message = (*drop)->open(MessageNumber{1}, Access::may_block);
  ASSERT_TRUE(message) << message.error().text;
  std::string text(437, '\0');
  ASSERT_EQ((*message)->read(text, 0, Access::may_block), std::size_t{437});
  EXPECT_EQ(text, expected);
}

TEST(Store, FindsNoMailboxOfAnUnknownUser) {
  const support::SampleStore sample("cyrus361-one");
  Store store(config_of(sample), kNoLog);
  for (const MaildropName& name : {MaildropName{"nobody", ""}, MaildropName{"eve", "nothing"}}) {
    const auto drop = store.open_maildrop(name);
    ASSERT_FALSE(drop);
    EXPECT_EQ(drop.error().code, base::Errc::not_found);
    EXPECT_NE(drop.error().text.find("mailbox user." + name.user), std::string::npos) << drop.error().text;
  }
}

TEST(Store, RefusesNamesThatNoMailboxCanHave) {
  const support::SampleStore sample("cyrus361-one");
  Store store(config_of(sample), kNoLog);
  for (const char* user : {"", "../eve", "eve/../eve", "..", "e\nve", "e\x1fve"}) {
    const auto drop = store.open_maildrop({user, ""});
    ASSERT_FALSE(drop) << user;
    EXPECT_EQ(drop.error().code, base::Errc::invalid) << user;
  }
}

TEST(Store, NamesMailboxesAsLogsDo) {
  const support::SampleStore sample("cyrus361-legacy-conv");
  const Store store(config_of(sample), kNoLog);
  EXPECT_EQ(store.internal_name({"ann.lee", ""}), "user.ann^lee");
  EXPECT_EQ(store.internal_name({"ann.lee@example.com", ""}), "example.com!user.ann^lee");
  EXPECT_EQ(store.internal_name({"../x", ""}), "../x");
}

TEST(Store, MayGoWhileItsMaildropsStay) {
  const support::SampleStore sample("cyrus361-one");
  auto store = std::make_unique<Store>(config_of(sample), kNoLog);
  const auto drop = store->open_maildrop({"eve", ""});
  ASSERT_TRUE(drop);
  store.reset();
  EXPECT_TRUE((*drop)->open(MessageNumber{1}, Access::may_block));
  std::string id;
  (*drop)->append_unique_id(MessageNumber{1}, id);
  EXPECT_EQ(id, "1795382168.2");
}

}  // namespace
}  // namespace cyrus
