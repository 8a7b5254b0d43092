#include "config/cyrus_conf.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using config::CyrusConf;
using Words = std::vector<std::string>;

base::Result<CyrusConf> parse(std::string_view text) { return CyrusConf::parse("cyrus.conf", text); }

CyrusConf valid(std::string_view text) {
  auto conf = parse(text);
  EXPECT_TRUE(conf) << conf.error().text;
  return conf.value_or(CyrusConf{});
}

/// The error's text of a whole file.
std::string error(std::string_view text) {
  const auto conf = parse(text);
  if (conf) return "accepted";
  EXPECT_EQ(conf.error().code, base::Errc::invalid);
  return conf.error().text;
}

std::string section(std::string_view name, std::string_view entries) {
  return std::string(name) + " {\n" + std::string(entries) + "\n}\n";
}

/// The one entry of a section SERVICES, which stands on line 2.
config::ServiceEntry service(std::string_view entry) {
  const CyrusConf conf = valid(section("SERVICES", entry));
  EXPECT_EQ(conf.services.size(), 1U);
  return conf.services.empty() ? config::ServiceEntry{} : conf.services[0];
}

std::string service_error(std::string_view entry) { return error(section("SERVICES", entry)); }

Words service_warnings(std::string_view entry) { return valid(section("SERVICES", entry)).warnings; }

TEST(CyrusConf, ReadsTheFourSections) {
  const CyrusConf conf = valid(R"(# comment
START {
  # do not delete this
  recover	cmd="/usr/sbin/cyrus ctl_cyrusdb -r"
}

SERVICES {
  pop3		cmd="pop3d -U 30" listen="pop3" prefork=2 maxchild=50
  lmtpunix	cmd="lmtpd" listen="/run/cyrus/socket/lmtp" prefork=0 maxchild=20 # local
  notify	cmd="notifyd" listen="/run/cyrus/socket/notify" proto="udp" prefork=1
}

EVENTS {
  checkpoint	cmd="ctl_cyrusdb -c" period=30
  delprune	cmd="cyr_expire -E 3" at=0401
  squat		cmd="squatter" cron="5 4 * * sun"
}

DAEMON {
  idled		cmd="idled"
}
)");
  ASSERT_EQ(conf.start.size(), 1U);
  EXPECT_EQ(conf.start[0].name, "recover");
  EXPECT_EQ(conf.start[0].cmd, (Words{"/usr/sbin/cyrus", "ctl_cyrusdb", "-r"}));
  EXPECT_EQ(conf.start[0].line, 4);
  ASSERT_EQ(conf.services.size(), 3U);
  EXPECT_EQ(conf.services[0].name, "pop3");
  EXPECT_EQ(conf.services[0].cmd, (Words{"pop3d", "-U", "30"}));
  EXPECT_EQ(conf.services[0].listen, "pop3");
  EXPECT_EQ(conf.services[0].prefork, 2);
  EXPECT_EQ(conf.services[0].maxchild, 50);
  EXPECT_EQ(conf.services[0].line, 8);
  EXPECT_EQ(conf.services[1].name, "lmtpunix");
  EXPECT_EQ(conf.services[2].proto, "udp");
  ASSERT_EQ(conf.events.size(), 3U);
  EXPECT_EQ(conf.events[0].period, 30);
  EXPECT_EQ(conf.events[0].at, -1);
  EXPECT_EQ(conf.events[1].at, 401);
  EXPECT_EQ(conf.events[2].cron, "5 4 * * sun");
  EXPECT_EQ(conf.events[2].line, 16);
  ASSERT_EQ(conf.daemons.size(), 1U);
  EXPECT_EQ(conf.daemons[0].cmd, Words{"idled"});
  EXPECT_TRUE(conf.warnings.empty());
}

TEST(CyrusConf, HasDefaultsForWhatAnEntryDoesNotSay) {
  const auto entry = service("p cmd=pop3d listen=110");
  EXPECT_EQ(entry.proto, "tcp");
  EXPECT_EQ(entry.prefork, 0);
  EXPECT_EQ(entry.maxchild, -1);
  EXPECT_EQ(entry.maxforkrate, 0);
  EXPECT_EQ(entry.maxfds, 0);
  EXPECT_FALSE(entry.babysit);
  const auto daemon = valid(section("DAEMON", "d cmd=d")).daemons.at(0);
  EXPECT_EQ(daemon.maxforkrate, 10);
  EXPECT_EQ(daemon.maxfds, 0);
  EXPECT_FALSE(daemon.wait);
}

TEST(CyrusConf, ReadsAllArgumentsOfAServiceAndADaemon) {
  const auto entry = service("p cmd=pop3d listen=110 proto=tcp6 maxforkrate=3 maxfds=4096 babysit=y maxchild=-7");
  EXPECT_EQ(entry.proto, "tcp6");
  EXPECT_EQ(entry.maxforkrate, 3);
  EXPECT_EQ(entry.maxfds, 4096);
  EXPECT_TRUE(entry.babysit);
  EXPECT_EQ(entry.maxchild, -1);
  const auto daemon = valid(section("DAEMON", "d cmd=d wait=y maxfds=64 maxforkrate=2")).daemons.at(0);
  EXPECT_TRUE(daemon.wait);
  EXPECT_EQ(daemon.maxfds, 64);
  EXPECT_EQ(daemon.maxforkrate, 2);
}

TEST(CyrusConf, MayBeEmptyAndNeedNoSection) {
  EXPECT_TRUE(valid("").services.empty());
  EXPECT_TRUE(valid("\n# only a comment {\n").services.empty());
}

TEST(CyrusConf, NeedsNoNewlineAtTheEnd) { EXPECT_EQ(valid("DAEMON {\nd cmd=d\n}").daemons.size(), 1U); }

TEST(CyrusConf, AllowsSectionsAgainAndInAnyOrder) {
  const CyrusConf conf =
      valid(section("DAEMON", "d cmd=d") + section("START", "a cmd=a") + section("START", "b cmd=b"));
  EXPECT_EQ(conf.start.size(), 2U);
  EXPECT_EQ(conf.daemons.size(), 1U);
}

TEST(CyrusConf, AllowsABraceWithoutABlankAndOtherCaseBehindTheFirstLetter) {
  EXPECT_EQ(valid("  ServiceS{ # here\np cmd=a listen=1\n }  # end\n").services.size(), 1U);
}

TEST(CyrusConf, AllowsAnEmptySectionOnOneLine) {
  EXPECT_EQ(valid("EVENTS { }\nDAEMON {}\n" + section("START", "a cmd=a")).start.size(), 1U);
}

TEST(CyrusConf, RefusesASectionInTheWrongCase) {
  EXPECT_EQ(error("\nservices {\n}\n"), "cyrus.conf: line 2: section 'services' must be written 'SERVICES'");
}

TEST(CyrusConf, RefusesABraceOnTheNextLine) {
  EXPECT_EQ(error("SERVICES\n{\n}\n"), "cyrus.conf: line 1: '{' must follow SERVICES on the same line");
  EXPECT_EQ(error("SERVICES # {\n"), "cyrus.conf: line 1: '{' must follow SERVICES on the same line");
}

TEST(CyrusConf, RefusesAnEntryOnTheLineOfTheBrace) {
  EXPECT_EQ(error("START { a cmd=a }\n"), "cyrus.conf: line 1: text behind '{': entries begin on the line after it");
}

TEST(CyrusConf, RefusesTextOutsideOfASection) {
  EXPECT_EQ(error("\n\npop3 cmd=x\n"), "cyrus.conf: line 3: text outside of a section: 'pop3 cmd=x'");
  EXPECT_EQ(error(section("START", "") + "}\n"), "cyrus.conf: line 4: text outside of a section: '}'");
}

TEST(CyrusConf, RefusesTextBehindTheClosingBrace) {
  EXPECT_EQ(error("START {\n} SERVICES {\n"), "cyrus.conf: line 2: text behind '}': 'SERVICES {'");
}

TEST(CyrusConf, PassesOverAnUnknownSectionByItsBracesAndWarns) {
  const CyrusConf conf = valid("\nOTHER {\n a { \"}\" # }\n }\n!?\n}\n" + section("START", "a cmd=a"));
  EXPECT_EQ(conf.start.size(), 1U);
  EXPECT_EQ(conf.warnings, Words{"cyrus.conf: line 2: unknown section 'OTHER' is passed over"});
}

TEST(CyrusConf, RefusesAnUnknownSectionThatDoesNotEnd) {
  EXPECT_EQ(error("\nOTHER {\n{\n}\n" + section("START", "a cmd=a")),
            "cyrus.conf: line 7: the unknown section (line 2) has no '}'");
}

TEST(CyrusConf, RefusesTextBehindAnUnknownSectionOnItsLine) {
  EXPECT_EQ(error("OTHER { } START {\n"), "cyrus.conf: line 1: text behind '}': 'START {'");
}

TEST(CyrusConf, WarnsWhenTheLastSectionIsNotClosed) {
  const CyrusConf conf = valid("START {\na cmd=a\n");
  EXPECT_EQ(conf.start.size(), 1U);
  EXPECT_EQ(conf.warnings, Words{"cyrus.conf: line 2: section START (line 1) has no '}'"});
}

TEST(CyrusConf, RefusesANulByte) {
  EXPECT_EQ(error(std::string("START {\na cmd=a\0b\n}\n", 19)), "cyrus.conf: line 2: a NUL byte");
}

TEST(Entry, MayHaveDashesAndUnderscoresInItsName) {
  EXPECT_EQ(service("pop3-local_2 cmd=a listen=1").name, "pop3-local_2");
}

TEST(Entry, RefusesOtherCharactersInItsName) {
  EXPECT_EQ(service_error("po.p cmd=a listen=1"), "cyrus.conf: line 2: bad character '.' in name");
  EXPECT_EQ(service_error("\n{"), "cyrus.conf: line 3: bad character '{' in name");
  EXPECT_EQ(service_error("=a"), "cyrus.conf: line 2: bad character '=' in name");
  EXPECT_EQ(service_error("p\xc3\xb6p cmd=a"), "cyrus.conf: line 2: bad character '\\xc3' in name");
}

TEST(Entry, NeedsTheEqualSignRightBehindTheKey) {
  EXPECT_EQ(service_error("p cmd =a"), "cyrus.conf: line 2: bad character ' ' in argument");
  EXPECT_EQ(service_error("p cmd=a listen"), "cyrus.conf: line 2: '=' is missing behind 'listen'");
  EXPECT_EQ(service_error("p =a"), "cyrus.conf: line 2: bad character '=' in argument");
  EXPECT_EQ(service_error("p max-child=1"), "cyrus.conf: line 2: bad character '-' in argument");
}

TEST(Entry, MayNotEndWithTheBraceOfItsSection) {
  EXPECT_EQ(service_error("p cmd=a listen=1 }"), "cyrus.conf: line 2: bad character '}' in argument");
}

TEST(Entry, TakesAQuotedValueToTheNextQuote) {
  const auto entry = service("p cmd=\"a -b  c\\\" listen=\"1\"prefork=2");
  EXPECT_EQ(entry.cmd, (Words{"a", "-b", "c\\"}));
  EXPECT_EQ(entry.listen, "1");
  EXPECT_EQ(entry.prefork, 2);
}

TEST(Entry, TakesAnUnquotedValueToWhiteSpace) {
  const auto entry = service("p cmd=a\"b\tlisten=1");
  EXPECT_EQ(entry.cmd, Words{"a\"b"});
}

TEST(Entry, RefusesAMissingQuote) { EXPECT_EQ(service_error("p cmd=\"a"), "cyrus.conf: line 2: missing \""); }

TEST(Entry, HasNoContinuation) {
  EXPECT_EQ(service_error("p cmd=\"a \\\nb\" listen=1"), "cyrus.conf: line 2: missing \"");
}

TEST(Entry, KeepsAHashInQuotesAndEndsAtOneOutside) {
  const auto entry = service("p listen=1 cmd=\"a # b\"# c=\"");
  EXPECT_EQ(entry.cmd, (Words{"a", "#", "b"}));
  EXPECT_EQ(service("p listen=1 cmd=a#b").cmd, Words{"a"});
}

TEST(Entry, SplitsTheCommandAtWhiteSpaceWithoutQuoting) {
  EXPECT_EQ(service("p listen=1 cmd=\"sh -c 'exit 3'\"").cmd, (Words{"sh", "-c", "'exit", "3'"}));
}

TEST(Entry, ReadsALineOfAnyLength) {
  EXPECT_EQ(service("p listen=1 cmd=\"a " + std::string(10000, 'b') + "\"").cmd.at(1).size(), 10000U);
}

TEST(Entry, LetsTheFirstOfTwoEqualKeysCountAndWarns) {
  EXPECT_EQ(service("p cmd=a cmd=b listen=1").cmd, Words{"a"});
  EXPECT_EQ(service_warnings("p cmd=a cmd=b listen=1"),
            Words{"cyrus.conf: line 2: entry 'p': 'cmd' is given twice, the first one counts"});
}

TEST(Entry, PassesOverUnknownKeysAndWarns) {
  EXPECT_EQ(service_warnings("p cmd=a listen=1 maxchilds=5"),
            Words{"cyrus.conf: line 2: entry 'p': unknown argument 'maxchilds'"});
  EXPECT_EQ(valid(section("DAEMON", "d cmd=d prefork=1")).warnings,
            Words{"cyrus.conf: line 2: entry 'd': unknown argument 'prefork'"});
}

TEST(Entry, HasAtMost64Arguments) {
  std::string arguments = "p cmd=a listen=1";
  for (int i = 0; i < 62; ++i) arguments += " k" + std::to_string(i) + "=v";
  EXPECT_EQ(service_warnings(arguments).size(), 62U);
  EXPECT_EQ(service_error(arguments + " more=v"), "cyrus.conf: line 2: more than 64 arguments");
}

TEST(Entry, NeedsACommand) {
  EXPECT_EQ(service_error("p listen=1"), "cyrus.conf: line 2: unable to find command or port for service 'p'");
  EXPECT_EQ(service_error("p cmd=a"), "cyrus.conf: line 2: unable to find command or port for service 'p'");
  EXPECT_EQ(service_error("p cmd=\"  \" listen=1"),
            "cyrus.conf: line 2: unable to find command or port for service 'p'");
  EXPECT_EQ(error(section("START", "s")), "cyrus.conf: line 2: unable to find command for 's'");
  EXPECT_EQ(error(section("EVENTS", "e period=1")), "cyrus.conf: line 2: unable to find command for event 'e'");
  EXPECT_EQ(error(section("DAEMON", "d wait=y")), "cyrus.conf: line 2: unable to find command for service 'd'");
}

TEST(Entry, SharesItsNameWithNoOtherServiceOrDaemon) {
  EXPECT_EQ(service_error("p cmd=a listen=1\np cmd=b listen=2"),
            "cyrus.conf: line 3: multiple entries for service 'p' (first on line 2)");
  EXPECT_EQ(error(section("DAEMON", "p cmd=a") + section("SERVICES", "p cmd=b listen=2")),
            "cyrus.conf: line 5: multiple entries for service 'p' (first on line 2)");
  EXPECT_EQ(valid(section("EVENTS", "e cmd=a period=1\ne cmd=b period=2")).events.size(), 2U);
}

TEST(Entry, RefusesGarbageInNumbers) {
  for (const std::string key : {"prefork", "maxchild", "maxforkrate", "maxfds"}) {
    for (const std::string value : {"abc", "12x", "\"\"", "0x10", "+1", "1.5", "-"}) {
      const std::string text = service_error("p cmd=a listen=1 " + key + "=" + value);
      EXPECT_TRUE(text.starts_with("cyrus.conf: line 2: entry 'p': value ")) << text;
      EXPECT_TRUE(text.ends_with(" for '" + key + "' is not a number")) << text;
    }
  }
  EXPECT_EQ(service_error("p cmd=a listen=1 maxchild=4294967296"),
            "cyrus.conf: line 2: entry 'p': value '4294967296' for 'maxchild' is out of range");
}

TEST(Entry, TakesANumberBelowZeroForZeroAndWarns) {
  EXPECT_EQ(service("p cmd=a listen=1 prefork=-1").prefork, 0);
  EXPECT_EQ(service_warnings("p cmd=a listen=1 prefork=-1"),
            Words{"cyrus.conf: line 2: entry 'p': 'prefork' is below 0, 0 is used"});
}

TEST(Entry, WarnsOfAServiceThatMayHaveNoWorker) {
  EXPECT_EQ(service_warnings("p cmd=a listen=1 maxchild=0"),
            Words{"cyrus.conf: line 2: entry 'p': with maxchild=0 it never answers"});
}

TEST(Entry, KnowsSwitchesByTheirFirstLettersInLowerCase) {
  for (const std::string on : {"1", "y", "yes", "on", "true"}) {
    EXPECT_TRUE(service("p cmd=a listen=1 babysit=" + on).babysit) << on;
  }
  for (const std::string off : {"0", "n", "no", "off", "false"}) {
    EXPECT_FALSE(service("p cmd=a listen=1 babysit=" + off).babysit) << off;
  }
  EXPECT_EQ(service_error("p cmd=a listen=1 babysit=Yes"),
            "cyrus.conf: line 2: entry 'p': value 'Yes' for 'babysit' is neither yes nor no");
  EXPECT_EQ(error(section("DAEMON", "d cmd=d wait=maybe")),
            "cyrus.conf: line 2: entry 'd': value 'maybe' for 'wait' is neither yes nor no");
}

TEST(Entry, KnowsTheSixProtocols) {
  for (const std::string proto : {"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}) {
    EXPECT_EQ(service("p cmd=a listen=1 proto=" + proto).proto, proto);
  }
  EXPECT_EQ(service_error("p cmd=a listen=1 proto=sctp"), "cyrus.conf: line 2: entry 'p': invalid proto 'sctp'");
}

TEST(Entry, RefusesAListenValueThatCannotWork) {
  EXPECT_EQ(service_error("p cmd=a listen=localhost:"),
            "cyrus.conf: line 2: entry 'p': invalid listen 'localhost:': the port is missing");
  EXPECT_EQ(service_error("p cmd=a listen=/s proto=tcp4"),
            "cyrus.conf: line 2: entry 'p': proto 'tcp4' does not go with the path '/s', write proto=tcp");
  EXPECT_EQ(service("p cmd=a listen=/s proto=udp").listen, "/s");
}

TEST(Event, RefusesATimeThatIsNone) {
  const auto at = [](const std::string& value) { return error(section("EVENTS", "e cmd=e at=" + value)); };
  EXPECT_EQ(at("0000"), "accepted");
  EXPECT_EQ(at("2359"), "accepted");
  EXPECT_EQ(at("2400"), "cyrus.conf: line 2: entry 'e': invalid at=hhmm specification 2400");
  EXPECT_EQ(at("1260"), "cyrus.conf: line 2: entry 'e': invalid at=hhmm specification 1260");
  EXPECT_EQ(at("4:30"), "cyrus.conf: line 2: entry 'e': value '4:30' for 'at' is not a number");
}

TEST(Event, WarnsWhenNothingSaysWhen) {
  EXPECT_EQ(valid(section("EVENTS", "e cmd=e")).warnings,
            Words{"cyrus.conf: line 2: entry 'e': it has neither period nor at nor cron"});
}

}  // namespace
