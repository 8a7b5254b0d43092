#include "config/imapd_conf.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using config::ImapdConf;
using config::Option;
using config::Partitions;
using std::chrono::seconds;

/// The least that a valid file says; lines of the tests come before it, so that their numbers begin with 1.
constexpr std::string_view kLeast =
    "configdirectory: /var/lib/cyrus\ndefaultpartition: default\npartition-default: /s\n";

base::Result<std::string> no_include(const std::string& path) {
  return base::fail(base::Errc::not_found, "can't open configuration file " + path);
}

base::Result<ImapdConf> parse_whole(std::string_view text, std::string_view service = "pop3",
                                    Partitions partitions = Partitions::required) {
  return ImapdConf::parse("/etc/imapd.conf", text, service, no_include, partitions);
}

base::Result<ImapdConf> parse(std::string_view lines, std::string_view service = "pop3") {
  return parse_whole(std::string(lines) + "\n" + std::string(kLeast), service);
}

ImapdConf valid(std::string_view lines, std::string_view service = "pop3") {
  auto conf = parse(lines, service);
  EXPECT_TRUE(conf) << conf.error().text;
  return conf.value();
}

/// The error text of lines that are not acceptable.
std::string error(std::string_view lines) {
  const auto conf = parse(lines);
  if (conf) return "accepted";
  EXPECT_EQ(conf.error().code, base::Errc::invalid);
  return conf.error().text;
}

std::string error_of_whole(std::string_view text, Partitions partitions = Partitions::required) {
  const auto conf = parse_whole(text, "pop3", partitions);
  return conf ? "accepted" : conf.error().text;
}

TEST(ImapdConf, AnswersWithDefaultsWhereTheFileIsSilent) {
  const ImapdConf conf = valid("");
  EXPECT_FALSE(conf.is_on(Option::allowplaintext));
  EXPECT_TRUE(conf.is_on(Option::unixhierarchysep));
  EXPECT_EQ(conf.integer(Option::poppollpadding), 1);
  EXPECT_EQ(conf.duration(Option::poptimeout), seconds(600));
  EXPECT_EQ(conf.duration(Option::popexpiretime), seconds(-86400));
  EXPECT_EQ(conf.duration(Option::popminpoll), seconds(0));
  EXPECT_EQ(conf.duration(Option::tls_session_timeout), seconds(86400));
  EXPECT_EQ(conf.byte_size(Option::autocreate_quota), -1024);
  EXPECT_EQ(conf.byte_size(Option::maxmessagesize), 0);
  EXPECT_EQ(conf.text(Option::servername), std::nullopt);
  EXPECT_EQ(conf.text(Option::admins), "");
  EXPECT_EQ(conf.text(Option::defaultdomain), "internal");
  EXPECT_EQ(conf.choice(Option::uidl_format), "cyrus");
  EXPECT_EQ(conf.choice(Option::userdeny_db), "flat");
  EXPECT_EQ(conf.choice(Option::sql_engine), "");
  EXPECT_EQ(conf.words(Option::event_groups), (std::vector<std::string_view>{"message", "mailbox"}));
  EXPECT_TRUE(conf.words(Option::metapartition_files).empty());
  EXPECT_FALSE(conf.is_set(Option::poptimeout));
}

TEST(ImapdConf, HasOurOwnDefaultsWhereTheyAreSafer) {
  const ImapdConf conf = valid("");
  EXPECT_EQ(conf.text(Option::tls_versions), "tls1_2 tls1_3");
  EXPECT_FALSE(conf.is_on(Option::allowapop));
  EXPECT_TRUE(conf.is_on(Option::allowstarttls));
}

TEST(ImapdConf, HasDefaultsForTheOptionsOfOurOwn) {
  const ImapdConf conf = valid("");
  EXPECT_EQ(conf.integer(Option::pop3_sessions_per_process), 1000);
  EXPECT_EQ(conf.integer(Option::pop3_store_threads), 8);
  EXPECT_EQ(conf.integer(Option::pop3_auth_threads), 4);
  EXPECT_EQ(conf.duration(Option::pop3_auth_timeout), seconds(30));
  EXPECT_EQ(conf.duration(Option::pop3_login_deadline), seconds(180));
  EXPECT_EQ(conf.duration(Option::pop3_lock_timeout), seconds(30));
  EXPECT_EQ(conf.duration(Option::pop3_drain_timeout), seconds(60));
}

TEST(ImapdConf, ReadsEachTypeOfValue) {
  const ImapdConf conf = valid(
      "popuseacl: yippee\nallowstarttls: official\nmaxlogins_per_host: 0x10\nmaxlogins_per_user: 010\n"
      "poptimeout: 1h30\npopminpoll: 90s\nmaxmessagesize: 10 MiB\nautocreate_quota: 5\nuidl_format: dovecot\n"
      "userdeny_db: twoskip\nmetapartition_files: index\t cache \nservername: \"quoted\"  \nvirtdomains: yes\n"
      "serverinfo: f");
  EXPECT_TRUE(conf.is_on(Option::popuseacl));
  EXPECT_FALSE(conf.is_on(Option::allowstarttls));
  EXPECT_EQ(conf.integer(Option::maxlogins_per_host), 16);
  EXPECT_EQ(conf.integer(Option::maxlogins_per_user), 8);
  EXPECT_EQ(conf.duration(Option::poptimeout), seconds(5400));
  EXPECT_EQ(conf.duration(Option::popminpoll), seconds(90));
  EXPECT_EQ(conf.byte_size(Option::maxmessagesize), 10 << 20);
  EXPECT_EQ(conf.byte_size(Option::autocreate_quota), 5120);
  EXPECT_EQ(conf.choice(Option::uidl_format), "dovecot");
  EXPECT_EQ(conf.choice(Option::userdeny_db), "twoskip");
  EXPECT_EQ(conf.words(Option::metapartition_files), (std::vector<std::string_view>{"index", "cache"}));
  EXPECT_EQ(conf.text(Option::servername), "\"quoted\"");
  EXPECT_EQ(conf.choice(Option::virtdomains), "on");
  EXPECT_EQ(conf.choice(Option::serverinfo), "off");
  EXPECT_TRUE(conf.is_set(Option::poptimeout));
  EXPECT_TRUE(conf.warnings().empty());
}

TEST(ImapdConf, RefusesAValueThatIsNotOfItsTypeAndNamesFileAndLine) {
  const std::string at = "/etc/imapd.conf: line 2: ";
  EXPECT_EQ(error("\ndebug: Yes"), at + "non-switch value 'Yes' for debug");
  EXPECT_EQ(error("\nmaxlogins_per_user: many"), at + "non-integer value 'many' for maxlogins_per_user");
  EXPECT_EQ(error("\npoptimeout: 10x"), at + "unparsable duration '10x' for poptimeout");
  EXPECT_EQ(error("\nmaxmessagesize: -1"), at + "unparsable byte size '-1' for maxmessagesize");
  EXPECT_EQ(error("\nvirtdomains: YES"), at + "invalid value 'YES' for virtdomains");
  EXPECT_EQ(error("\nvirtdomains: maybe"), at + "invalid value 'maybe' for virtdomains");
  EXPECT_EQ(error("\nuidl_format: on"), at + "invalid value 'on' for uidl_format");
  EXPECT_EQ(error("\nuserdeny_db: Flat"), at + "invalid value 'Flat' for userdeny_db");
  EXPECT_EQ(error("\nuserdeny_db: flat sql"), at + "invalid value 'flat sql' for userdeny_db");
  EXPECT_EQ(error("\nmetapartition_files: index bogus"), at + "invalid value 'bogus' for metapartition_files");
}

TEST(ImapdConf, ChecksAPrefixedValueOfOursLikeAPlainOne) {
  EXPECT_EQ(error("pop3_debug: maybe"), "/etc/imapd.conf: line 1: non-switch value 'maybe' for debug");
}

TEST(ImapdConf, RefusesAGrammarErrorWithFileAndLine) {
  EXPECT_EQ(error("debug: 1\nservername x"), "/etc/imapd.conf: line 2: no ':' right behind 'servername'");
}

TEST(ImapdConf, TakesAnyWordOfABitfieldWhoseWordsWeDoNotInterpret) {
  EXPECT_EQ(valid("event_extra_params: timestamp vnd.x").words(Option::event_extra_params).size(), 2U);
}

TEST(ImapdConf, CutsALargeIntegerAsCyrusDoesAndWarns) {
  const ImapdConf conf = valid("maxlogins_per_user: 4294967301");
  EXPECT_EQ(conf.integer(Option::maxlogins_per_user), 5);
  ASSERT_EQ(conf.warnings().size(), 1U);
  EXPECT_EQ(conf.warnings()[0],
            "/etc/imapd.conf: line 1: value '4294967301' for maxlogins_per_user does not fit into 32 bits, 5 is used");
}

TEST(ImapdConf, PrefersTheServicePrefixedFormInEitherOrder) {
  EXPECT_EQ(valid("servername: a\npop3_servername: b").text(Option::servername), "b");
  EXPECT_EQ(valid("POP3_servername: b\nservername: a").text(Option::servername), "b");
  EXPECT_EQ(valid("pop3_servername: b").text(Option::servername), "b");
}

TEST(ImapdConf, MatchesTheServiceNameWithoutRegardToCase) {
  EXPECT_EQ(valid("pop3_servername: b", "POP3").text(Option::servername), "b");
  EXPECT_EQ(valid("pop3_servername: b", "POP3").service(), "pop3");
}

TEST(ImapdConf, LeavesThePrefixedFormOfAnotherServiceAlone) {
  const ImapdConf conf = valid("servername: a\nimap_servername: b\nimap_debug: maybe");
  EXPECT_EQ(conf.text(Option::servername), "a");
  EXPECT_EQ(conf.find("imap_servername"), "b");
  EXPECT_TRUE(conf.warnings().empty());
}

TEST(ImapdConf, HasNoPrefixForATool) {
  EXPECT_EQ(valid("servername: a\npop3_servername: b", "").text(Option::servername), "a");
}

TEST(ImapdConf, ReadsAnOptionOfOurOwnAlsoInTheServiceWhoseNameItBegins) {
  EXPECT_EQ(valid("pop3_store_threads: 3").integer(Option::pop3_store_threads), 3);
  EXPECT_EQ(valid("pop3_store_threads: 3\npop3_pop3_store_threads: 5").integer(Option::pop3_store_threads), 5);
  EXPECT_EQ(valid("pop3_store_threads: 3", "pop3s").integer(Option::pop3_store_threads), 3);
}

TEST(ImapdConf, RefusesTheSamePrefixedFormTwice) {
  EXPECT_EQ(error("pop3_servername: a\npop3_servername: b"),
            "/etc/imapd.conf: line 2: option 'pop3_servername' was specified twice in config file (first in "
            "/etc/imapd.conf: line 1)");
}

TEST(ImapdConf, FindsKeysOutsideTheTablePrefixedFirst) {
  const ImapdConf conf = valid("sasl_mech_list: PLAIN\npop3_sasl_mech_list: LOGIN\nMail1_Password: x");
  EXPECT_EQ(conf.find("sasl_mech_list"), "LOGIN");
  EXPECT_EQ(conf.find("SASL_mech_list"), "LOGIN");
  EXPECT_EQ(conf.find("mail1_password"), "x");
  EXPECT_EQ(conf.find("mail2_password"), std::nullopt);
}

TEST(ImapdConf, FindsAnOptionOfTheTableWhenItIsSet) {
  const ImapdConf conf = valid("sasl_pwcheck_method: saslauthd\npop3_sasl_pwcheck_method: auxprop");
  EXPECT_EQ(conf.find("sasl_pwcheck_method"), "auxprop");
  EXPECT_EQ(conf.find("sasl_minimum_layer"), std::nullopt);
}

TEST(ImapdConf, ListsKeysByPrefixInFileOrderWithTheServicesOwnValues) {
  const ImapdConf conf = valid("partition-News: /n\npartition-b: /b\npop3_partition-news: /pn\nimap_partition-c: /c");
  const std::vector<std::pair<std::string, std::string>> expected{{"news", "/pn"}, {"b", "/b"}, {"default", "/s"}};
  EXPECT_EQ(conf.find_prefix("partition-"), expected);
  EXPECT_EQ(conf.find_prefix("Partition-"), expected);
}

TEST(ImapdConf, ReplacesTheConfigurationDirectoryAtTheVeryStartOfAString) {
  const ImapdConf conf = valid("idlesocket: {configdirectory}/i\nservername: x{configdirectory}\ntemp_path: /t");
  EXPECT_EQ(conf.text(Option::idlesocket), "/var/lib/cyrus/i");
  EXPECT_EQ(conf.text(Option::servername), "x{configdirectory}");
  EXPECT_EQ(conf.text(Option::lmtpsocket), "/var/lib/cyrus/socket/lmtp");
  EXPECT_EQ(conf.text(Option::proc_path), "/var/lib/cyrus/proc/");
}

TEST(ImapdConf, MovesTheValueOfADeprecatedNameAndWarns) {
  const ImapdConf conf = valid("\ntls_cert_file: /c.pem");
  EXPECT_EQ(conf.text(Option::tls_server_cert), "/c.pem");
  EXPECT_TRUE(conf.is_set(Option::tls_server_cert));
  EXPECT_FALSE(conf.is_set(Option::tls_cert_file));
  ASSERT_EQ(conf.warnings().size(), 1U);
  EXPECT_EQ(conf.warnings()[0],
            "/etc/imapd.conf: line 2: option 'tls_cert_file' is deprecated in favor of 'tls_server_cert' since version "
            "2.5.0");
}

TEST(ImapdConf, KeepsTheNewNamesValueWhenBothAreGiven) {
  const ImapdConf conf = valid("tls_cert_file: /old.pem\ntls_server_cert: /new.pem");
  EXPECT_EQ(conf.text(Option::tls_server_cert), "/new.pem");
  ASSERT_EQ(conf.warnings().size(), 1U);
  EXPECT_NE(conf.warnings()[0].find("'tls_cert_file' has no effect"), std::string::npos);
}

TEST(ImapdConf, MovesAPrefixedDeprecatedNameAndATypedValueToo) {
  EXPECT_EQ(valid("pop3_tls_cert_file: /p.pem").text(Option::tls_server_cert), "/p.pem");
  EXPECT_EQ(valid("prometheus_update_freq: 2m").duration(Option::prometheus_service_update_freq), seconds(120));
}

TEST(ImapdConf, KeepsTheValueOfADeprecatedOptionWithoutSuccessor) {
  const ImapdConf conf = valid("improved_mboxlist_sort: yes");
  EXPECT_TRUE(conf.is_on(Option::improved_mboxlist_sort));
  ASSERT_EQ(conf.warnings().size(), 1U);
  EXPECT_EQ(conf.warnings()[0],
            "/etc/imapd.conf: line 1: option 'improved_mboxlist_sort' is deprecated since version 3.12.0");
}

TEST(ImapdConf, KeepsAnUnknownOptionAndWarnsWithItsLine) {
  const ImapdConf conf = valid("\nimapidlepoll: 60\npop3_typo: 1");
  EXPECT_EQ(conf.find("imapidlepoll"), "60");
  EXPECT_EQ(conf.find("typo"), "1");
  EXPECT_EQ(conf.warnings(),
            (std::vector<std::string>{
                "/etc/imapd.conf: line 2: unknown option 'imapidlepoll': another program's, or misspelt",
                "/etc/imapd.conf: line 3: unknown option 'pop3_typo': another program's, or misspelt"}));
}

TEST(ImapdConf, DoesNotWarnOfKeysOfAKnownFamilyOrOfAnotherService) {
  const ImapdConf conf = valid(
      "partition-news: /n\nmetapartition-news: /m\narchivepartition-news: /a\nsearchtierpartition-t1: /t\n"
      "metadir-index-news: /i\nsasl_mech_list: PLAIN\nmail1_password: x\nmail1_mechs: PLAIN\nmail1_client_cert: /c\n"
      "mail1_client_key: /k\nimap_servername: y\nlmtp_sasl_mech_list: EXTERNAL\nmy-pop_2_poptimeout: 20");
  EXPECT_TRUE(conf.warnings().empty()) << conf.warnings().front();
}

TEST(ImapdConf, WarnsOfAnExplicitListOfOldTlsVersionsAndObeysIt) {
  const ImapdConf conf = valid("tls_versions: tls1_0 tls1_2");
  EXPECT_EQ(conf.text(Option::tls_versions), "tls1_0 tls1_2");
  EXPECT_EQ(
      conf.warnings(),
      (std::vector<std::string>{"/etc/imapd.conf: line 1: tls_versions allows tls1_0, which is not safe any more"}));
}

TEST(ImapdConf, NeedsAnAbsoluteConfigurationDirectoryBelowTheRoot) {
  const std::string rest = "\npartition-default: /s\n";
  EXPECT_EQ(error_of_whole("partition-default: /s\n"), "/etc/imapd.conf: option 'configdirectory' is missing");
  EXPECT_EQ(error_of_whole("configdirectory: var/lib" + rest),
            "/etc/imapd.conf: line 1: configdirectory 'var/lib' is not absolute");
  EXPECT_EQ(error_of_whole("configdirectory: {configdirectory}" + rest),
            "/etc/imapd.conf: line 1: configdirectory '{configdirectory}' is not absolute");
  for (const std::string root : {"/", "//", "/.", "/a/.."}) {
    EXPECT_EQ(error_of_whole("\nconfigdirectory: " + root + rest), "/etc/imapd.conf: line 2: configdirectory is '/'")
        << root;
  }
}

TEST(ImapdConf, NeedsADefaultPartitionOfLettersAndDigits) {
  EXPECT_EQ(error_of_whole("configdirectory: /c\npartition-a-b: /s\ndefaultpartition: a-b\n"),
            "/etc/imapd.conf: line 3: defaultpartition 'a-b' contains something else than letters and digits");
}

TEST(ImapdConf, FoldsTheDefaultPartition) {
  const auto conf = parse_whole("configdirectory: /c\npartition-MAIN: /s\ndefaultpartition: Main\n");
  ASSERT_TRUE(conf) << conf.error().text;
  EXPECT_EQ(conf->text(Option::defaultpartition), "main");
  EXPECT_EQ(conf->find("partition-main"), "/s");
}

TEST(ImapdConf, NeedsThePathOfTheDefaultPartition) {
  EXPECT_EQ(error_of_whole("configdirectory: /c\npartition-a: /s\ndefaultpartition: b\n"),
            "/etc/imapd.conf: line 3: defaultpartition: there is no option 'partition-b'");
  EXPECT_EQ(error_of_whole("configdirectory: /c\npop3_partition-b: /s\ndefaultpartition: b\n"), "accepted");
}

TEST(ImapdConf, NeedsSomePartitionWithoutADefaultOne) {
  EXPECT_EQ(error_of_whole("configdirectory: /c\n"), "/etc/imapd.conf: there is no option 'partition-NAME'");
  EXPECT_EQ(error_of_whole("configdirectory: /c\npartition-: /x\n"),
            "/etc/imapd.conf: there is no option 'partition-NAME'");
  EXPECT_EQ(error_of_whole("configdirectory: /c\npartition-a: /s\n"), "accepted");
}

TEST(ImapdConf, NeedsNoPartitionOnAFrontendOfAStandardMurder) {
  const std::string frontend = "configdirectory: /c\nmupdate_server: m\n";
  const std::string missing = "/etc/imapd.conf: there is no option 'partition-NAME'";
  EXPECT_EQ(error_of_whole(frontend), "accepted");
  EXPECT_EQ(error_of_whole(frontend + "proxyservers: p\n"), missing);
  EXPECT_EQ(error_of_whole(frontend + "mupdate_config: unified\n"), missing);
}

TEST(ImapdConf, NeedsNoPartitionForWhoTouchesNoMail) {
  EXPECT_EQ(error_of_whole("configdirectory: /c\n", Partitions::optional), "accepted");
  EXPECT_EQ(error_of_whole("configdirectory: /c\ndefaultpartition: x\n", Partitions::optional), "accepted");
}

TEST(ImapdConf, RefusesPartitionsThatShareADirectory) {
  EXPECT_EQ(error("partition-a: /x/y\npartition-b: /x//y/"),
            "/etc/imapd.conf: line 2: invalid partition value detected: 'partition-b' has the same path as "
            "'partition-a' (/etc/imapd.conf: line 1)");
  EXPECT_EQ(error("partition-a: /x/y/z\npartition-b: /x/y"),
            "/etc/imapd.conf: line 1: invalid partition value detected: 'partition-a' is inside 'partition-b' "
            "(/etc/imapd.conf: line 2)");
  EXPECT_EQ(error("partition-a: /x/./y\npartition-b: /x/y/q/../z\nmetapartition-a: /x/y/m"),
            "/etc/imapd.conf: line 2: invalid partition value detected: 'partition-b' is inside 'partition-a' "
            "(/etc/imapd.conf: line 1)");
}

TEST(ImapdConf, SeesSharedPartitionsAlsoWhenAnotherDirectoryLiesBetween) {
  EXPECT_NE(error("partition-a: /x\nmetapartition-b: /x/y\npartition-c: /x/z").find("invalid partition value"),
            std::string::npos);
}

TEST(ImapdConf, RefusesOverlappingPartitionsAlsoWithoutNeedOfThem) {
  EXPECT_NE(error_of_whole("configdirectory: /c\npartition-a: /x\npartition-b: /x\n", Partitions::optional)
                .find("invalid partition value"),
            std::string::npos);
}

TEST(ImapdConf, AcceptsPartitionsWhoseNamesOnlyBeginAlike) {
  EXPECT_TRUE(valid("partition-a: /x/y\npartition-b: /x/yz\npartition-c: /x/y-z").warnings().empty());
}

TEST(ImapdConf, WarnsOfAMetapartitionInsideAPartition) {
  EXPECT_EQ(valid("metapartition-default: /s/meta").warnings(),
            (std::vector<std::string>{"/etc/imapd.conf: line 1: 'metapartition-default' is inside 'partition-default' "
                                      "(/etc/imapd.conf: line 4)"}));
}

TEST(ImapdConf, WarnsOfAPartitionNameThatCyrusWouldNotFind) {
  const std::string longest(79 - std::string("partition-").size(), 'n');
  EXPECT_TRUE(valid("partition-" + longest + ": /l").warnings().empty());
  EXPECT_EQ(valid("partition-" + longest + "n: /l").warnings().size(), 1U);
}

TEST(ImapdConf, NeedsAnAbsoluteProcPath) {
  EXPECT_EQ(error("proc_path: proc"), "/etc/imapd.conf: line 1: proc_path 'proc' is not absolute");
}

TEST(ImapdConf, ShowsHostileBytesOfAValueAsPrintableText) {
  EXPECT_EQ(error("debug: \x1b[2J\xff"), "/etc/imapd.conf: line 1: non-switch value '\\x1b[2J\\xff' for debug");
}

TEST(ImapdConf, KeepsItsAnswersWhenItIsMovedOrCopied) {
  ImapdConf first = valid("servername: a-rather-long-host-name.example.org\nmail1_password: x");
  const ImapdConf copy = first;
  const ImapdConf moved = std::move(first);
  EXPECT_EQ(copy.text(Option::servername), moved.text(Option::servername));
  EXPECT_EQ(copy.find("mail1_password"), "x");
  EXPECT_EQ(moved.find("mail1_password"), "x");
  EXPECT_EQ(moved.file(), "/etc/imapd.conf");
}

TEST(ImapdConfDeathTest, StopsWhenAnOptionIsAskedForAsAnotherType) {
  const ImapdConf conf = valid("");
  EXPECT_DEATH(static_cast<void>(conf.is_on(Option::poptimeout)), "CHECK failed");
  EXPECT_DEATH(static_cast<void>(conf.choice(Option::servername)), "CHECK failed");
}

}  // namespace
