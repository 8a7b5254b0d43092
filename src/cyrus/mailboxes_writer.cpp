#include "cyrus/mailboxes_writer.hpp"

#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_record_text.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

constexpr int kAttempts = 50;
constexpr std::chrono::milliseconds kPause{2};

tl::unexpected<base::Error> unsupported(const StoreConfig& config, const std::string& why) {
  return base::fail(Errc::unsupported, config.mailboxes_db.native() + ": not written: " + why);
}

/// What imapd.conf says against writing.
base::Result<void> check_config(const StoreConfig& config) {
  if (config.read_only) return base::fail(Errc::permission, "imapd.conf says readonly");
  if (config.mailboxes_backend != "twoskip") return unsupported(config, "mboxlist_db is " + config.mailboxes_backend);
  if (config.improved_mboxlist_sort) return unsupported(config, "improved_mboxlist_sort is on");
  if (config.reverse_acls) return unsupported(config, "reverseacls is on");
  if (config.murder) return unsupported(config, "mupdate_server is set, and the murder would not hear of it");
  return {};
}

bool has_only(const Dlist& fields, std::string_view known) {
  return std::ranges::all_of(fields.keys,
                             [&](const std::string& key) { return key.size() == 1 && known.find(key) != known.npos; });
}

}  // namespace

base::Result<MailboxesWriter> MailboxesWriter::open(const StoreConfig& config) {
  if (auto fine = check_config(config); !fine) return tl::unexpected(std::move(fine.error()));
  for (int attempt = 1;; ++attempt) {
    auto database = TwoskipWriter::open(config.mailboxes_db);
    if (database) {
      MailboxesWriter writer(*std::move(database), config.server_name);
      if (auto fine = writer.check_keys(); !fine) {
        if (fine.error().code == Errc::unsupported) return unsupported(config, fine.error().text);
        return tl::unexpected(std::move(fine.error()));
      }
      return writer;
    }
    base::Error error = std::move(database.error());
    if (error.code == Errc::busy && attempt < kAttempts) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    // That there is no database must not look like "no such mailbox".
    if (error.code == Errc::not_found) error.code = Errc::io;
    return tl::unexpected(std::move(error));
  }
}

base::Result<void> MailboxesWriter::check_keys() const {
  // Keys begin with N or I. Others sort before, between or behind, so three looks find them in a list of any length.
  struct Gap {
    std::string_view from;
    char allowed;  // with which the first key from there may begin; besides N
  };
  for (const Gap& gap : {Gap{"\x01", 'I'}, Gap{"J", 'N'}, Gap{"O", '\0'}}) {
    const auto item = database_.first_from(gap.from);
    if (!item) return tl::unexpected(item.error());
    if (!*item) continue;
    const char first = (*item)->key.front();
    if (first == gap.allowed || (first == 'N' && gap.allowed != '\0')) continue;
    if (first == 'J') return base::fail(Errc::unsupported, "it has JMAP ids, of a release later than 3.12");
    if (first == 'A') return base::fail(Errc::unsupported, "it has reverse access lists");
    if (first == '$') return base::fail(Errc::unsupported, "it has indexes of a release before 3.6");
    return base::fail(Errc::unsupported, "it has records of a release before 3.6; run ctl_cyrusdb -r");
  }
  return {};
}

base::Result<std::optional<MailboxRecord>> MailboxesWriter::find(const MailboxName& name) const {
  const auto value = database_.find("N" + name.dbname());
  if (!value && value.error().code == Errc::not_found) return std::optional<MailboxRecord>();
  if (!value) return tl::unexpected(value.error());
  auto record = parse_mailbox_record(name, *value, RecordForm::by_name, server_name_);
  if (!record) return tl::unexpected(std::move(record.error()));
  return std::optional(*std::move(record));
}

base::Result<bool> MailboxesWriter::has_id(std::string_view uniqueid) const {
  const auto value = database_.find("I" + std::string(uniqueid));
  if (value) return true;
  if (value.error().code == Errc::not_found) return false;
  return tl::unexpected(value.error());
}

base::Result<void> MailboxesWriter::reserve(const MailboxRecord& record) {
  const auto before = find(record.name);
  if (!before) return tl::unexpected(before.error());
  if (*before) {
    const std::string what = "mailbox " + record.name.intname();
    if (!(*before)->deleted && !(*before)->intermediate) return base::fail(Errc::invalid, what + ": exists");
    if ((*before)->intermediate && (*before)->uniqueid != record.uniqueid) {
      return base::fail(Errc::invalid, what + ": is reserved with another uniqueid");
    }
    if ((*before)->deleted) {
      const std::string key = "I" + (*before)->uniqueid;
      const auto value = database_.find(key);
      if (!value && value.error().code != Errc::not_found) return tl::unexpected(value.error());
      const auto named = value ? parse_id_record((*before)->uniqueid, *value) : base::Result<std::string>("");
      // The mailbox lives on under the name that it got when it was deleted.
      if (named && *named == record.name.dbname()) {
        if (const auto erased = database_.erase(key); !erased) return tl::unexpected(erased.error());
      }
    }
  }
  MailboxRecord intermediate = record;
  intermediate.intermediate = true;
  return put(intermediate);
}

base::Result<void> MailboxesWriter::put(const MailboxRecord& record) {
  const std::string key = "I" + record.uniqueid;
  Dlist history;
  history.kind = Dlist::Kind::list;
  const auto value = database_.find(key);
  if (!value && value.error().code != Errc::not_found) return tl::unexpected(value.error());
  if (value) {
    const auto fields = parse_dlist(*value);
    if (!fields) return base::fail(Errc::corrupt, "mailbox id " + record.uniqueid + ": " + fields.error().text);
    if (!has_only(*fields, "TNPSVCFMAH")) {
      return base::fail(Errc::unsupported, "mailbox id " + record.uniqueid + ": has fields of another release");
    }
    if (const Dlist* former = fields->find("H"); former != nullptr && former->kind == Dlist::Kind::list) {
      history = *former;
    }
  }
  if (auto done = database_.store("N" + record.name.dbname(), encode_name_record(record)); !done) return done;
  return database_.store(key, encode_id_record(record, history));
}

base::Result<void> MailboxesWriter::rename(const MailboxRecord& from, const MailboxRecord& to) {
  const auto taken = find(to.name);
  if (!taken) return tl::unexpected(taken.error());
  if (*taken && !(*taken)->deleted) return base::fail(Errc::invalid, "mailbox " + to.name.intname() + ": exists");
  MailboxRecord tombstone = from;
  tombstone.deleted = true;
  tombstone.folder_modseq = to.folder_modseq;
  tombstone.mtime = to.mtime;
  if (auto done = put(to); !done) return done;

  const std::string key = "I" + to.uniqueid;
  const auto value = database_.find(key);
  if (!value) return tl::unexpected(value.error());
  const auto fields = parse_dlist(*value);
  if (!fields) return tl::unexpected(fields.error());
  Dlist history = *fields->find("H");  // put() has just written it
  history.items.insert(history.items.begin(), former_name(tombstone));
  if (auto done = database_.store(key, encode_id_record(to, history)); !done) return done;
  return database_.store("N" + from.name.dbname(), encode_name_record(tombstone));
}

base::Result<void> MailboxesWriter::bury(const MailboxRecord& mailbox) {
  MailboxRecord tombstone = mailbox;
  tombstone.deleted = true;
  tombstone.legacy_layout = false;  // Cyrus: nothing is left to be laid out
  return put(tombstone);
}

base::Result<void> MailboxesWriter::unreserve(const MailboxRecord& record, const std::optional<MailboxRecord>& before) {
  const bool keeps_id = before && before->intermediate;
  if (!keeps_id) {
    if (const auto erased = database_.erase("I" + record.uniqueid); !erased) return tl::unexpected(erased.error());
  }
  if (before) return database_.store("N" + record.name.dbname(), encode_name_record(*before));
  const auto erased = database_.erase("N" + record.name.dbname());
  if (!erased) return tl::unexpected(erased.error());
  return {};
}

base::Result<std::optional<MailboxRecord>> find_after_failure(const MailboxName& name, const StoreConfig& config) {
  const MailboxList mailboxes(config);
  for (int attempt = 1;; ++attempt) {
    auto found = mailboxes.find(name);
    if (found) return std::optional(*std::move(found));
    if (found.error().code == Errc::not_found) return std::optional<MailboxRecord>();
    if (found.error().code != Errc::busy || attempt == kAttempts) return tl::unexpected(std::move(found.error()));
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace cyrus
