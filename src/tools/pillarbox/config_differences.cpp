// What of a configuration we refuse to write to, and what behaves otherwise than under Cyrus (doc/differences.md). One
// row for each; a row that became untrue goes.

#include "tools/pillarbox/config_check.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

namespace tools {
namespace {

using config::ImapdConf;
using config::Option;
using Level = Finding::Level;

struct Row {
  std::string_view option;
  bool (*applies)(const ImapdConf&);
  Level level;
  std::string_view text;
};

template <Option kOption>
bool is_on(const ImapdConf& conf) {
  return conf.is_on(kOption);
}
template <Option kOption>
bool is_set(const ImapdConf& conf) {
  return conf.is_set(kOption);
}
/// A database whose format is not the one that we write.
template <Option kOption>
bool is_not_twoskip(const ImapdConf& conf) {
  return conf.choice(kOption) != "twoskip";
}
template <Option kOption>
bool is_sql(const ImapdConf& conf) {
  return conf.choice(kOption) == "sql" || conf.choice(kOption) == "twom";
}

/// Sieve is in use where its directory has something in it.
bool has_scripts(const ImapdConf& conf) {
  if (conf.is_on(Option::lmtp_ignore_sieve)) return false;
  std::error_code error;
  const std::filesystem::directory_iterator first(conf.text(Option::sievedir).value_or(""), error);
  return !error && first != std::filesystem::directory_iterator();
}

constexpr std::array kRows{
    // Stores that are not opened, or not written.
    Row{"mboxlist_db", &is_sql<Option::mboxlist_db>, Level::error, "this format cannot be read: no mailbox is found"},
    Row{"mboxlist_db",
        [](const ImapdConf& conf) {
          const auto kind = conf.choice(Option::mboxlist_db);
          return kind == "skiplist" || kind == "flat";
        },
        Level::warning, "this format is read, but not written: no mailbox can be made or deleted"},
    Row{"conversations", &is_on<Option::conversations>, Level::warning,
        "the conversations database is not written: QUIT after DELE answers -ERR and changes nothing, deliveries are "
        "deferred; reading works"},
    Row{"improved_mboxlist_sort", &is_on<Option::improved_mboxlist_sort>, Level::warning,
        "mailboxes.db in this order is read, but not written: no mailbox can be made or deleted"},
    Row{"quota_db", [](const ImapdConf& conf) { return conf.choice(Option::quota_db) != "quotalegacy"; },
        Level::warning, "only quotalegacy is written: mailboxes under a quota root are read, but not changed"},
    Row{"statuscache_db",
        [](const ImapdConf& conf) {
          return conf.is_on(Option::statuscache) && conf.choice(Option::statuscache_db) != "twoskip";
        },
        Level::warning, "only twoskip is written: mailboxes are read, but not changed"},
    Row{"annotation_db", &is_not_twoskip<Option::annotation_db>, Level::warning,
        "only twoskip is read and written: messages with annotations are not deleted, autocreated folders get no "
        "special use"},
    Row{"object_storage_enabled", &is_on<Option::object_storage_enabled>, Level::warning,
        "messages in an object store cannot be fetched"},
    Row{"mupdate_server", &is_set<Option::mupdate_server>, Level::warning,
        "mailboxes on other servers of the murder are refused"},
    Row{"reverseacls", &is_on<Option::reverseacls>, Level::warning, "no mailbox can be made or deleted"},
    Row{"sievedir", &has_scripts, Level::warning,
        "mail for users with an active Sieve script is deferred by lmtpd, unless lmtp_ignore_sieve is set"},
    Row{"autocreate_sieve_script", &is_set<Option::autocreate_sieve_script>, Level::warning,
        "scripts are not run, and new users get none"},
    Row{"readonly", &is_on<Option::readonly>, Level::note, "nothing is changed: no deletions, no deliveries"},
    // What differs.
    Row{"userdeny_db", &is_sql<Option::userdeny_db>, Level::error,
        "this format cannot be read: pop3d refuses to start"},
    Row{"sasl_maximum_layer",
        [](const ImapdConf& conf) {
          return conf.integer(Option::sasl_maximum_layer) < conf.integer(Option::sasl_minimum_layer);
        },
        Level::error, "is less than sasl_minimum_layer: nobody could log in, and pop3d refuses to start"},
    Row{"loginuseacl", &is_on<Option::loginuseacl>, Level::note,
        "means nothing to POP3, here and at Cyrus: only admins and proxyservers log in as others"},
    Row{"prometheus_enabled", &is_on<Option::prometheus_enabled>, Level::warning, "no figures are kept yet"},
    Row{"tls_sessions_db", &is_set<Option::tls_sessions_db>, Level::note, "TLS sessions are not kept in a database"},
    Row{"event_notifier", &is_set<Option::event_notifier>, Level::warning, "no events are sent"},
    Row{"popuseacl", &is_on<Option::popuseacl>, Level::note,
        "the rights of groups are not given; those taken from a group are taken from everybody"},
    Row{"tls_versions", [](const ImapdConf& conf) { return !conf.is_set(Option::tls_versions); }, Level::note,
        "is not set: TLS begins at 1.2 here, at 1.0 under Cyrus"},
};

}  // namespace

void check_differences(const config::ImapdConf& conf, Findings& findings) {
  for (const Row& row : kRows) {
    if (row.applies(conf))
      findings.push_back(Finding{row.level, std::string(row.option) + ": " + std::string(row.text)});
  }
}

}  // namespace tools
