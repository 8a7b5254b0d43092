#include "cyrus/status_cache.hpp"

#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <charconv>
#include <string>
#include <system_error>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

// The next number of `text`, which is taken off with the space behind it.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

base::Error named(base::Error error, const MailboxName& name) {
  error.text = "mailbox " + name.intname() + ": " + error.text;
  return error;
}

// The key of what is true for all users; those of single users go on with another '%' and the userid.
std::string status_key(const MailboxName& name) { return name.intname() + '%'; }

base::Result<void> check_backend(const StoreConfig& config) {
  // Those have no file at the path, so its absence would say nothing.
  if (config.statuscache_backend == "sql" || config.statuscache_backend == "zeroskip") {
    return base::fail(Errc::unsupported, "statuscache_db: " + config.statuscache_backend + " cannot be changed");
  }
  return {};
}

}  // namespace

std::optional<StatusEntry> parse_status(std::string_view value) {
  if (!value.starts_with("I ")) return std::nullopt;
  value.remove_prefix(2);
  unsigned version = 0;
  if (!take(value, version) || version < 8 || version > 10 || !value.starts_with('(')) return std::nullopt;
  value.remove_prefix(1);
  StatusEntry entry;
  const bool complete = take(value, entry.exists) && take(value, entry.uidnext) && take(value, entry.uidvalidity) &&
                        take(value, entry.options) && take(value, entry.quota_used) &&
                        take(value, entry.createdmodseq) && take(value, entry.highestmodseq);
  // Later versions count more: numbers that we have no use for, then the mailbox id.
  if (!complete || (version == 8 ? value != ")" : value.find(')') == std::string_view::npos)) return std::nullopt;
  // Every mailbox has one: Cyrus does not believe an entry without.
  if (entry.highestmodseq == 0) return std::nullopt;
  return entry;
}

base::Result<void> forget_status(const StoreConfig& config, const MailboxName& name) {
  if (!config.statuscache) return {};
  if (auto known = check_backend(config); !known) return tl::unexpected(named(std::move(known.error()), name));
  // A rebuilt cache could say again what was true once. An empty one is always right.
  auto database = TwoskipWriter::open(config.statuscache_db, {.create = false, .damage = TwoskipDamage::clear});
  if (!database) {
    if (database.error().code == Errc::not_found) return {};
    return tl::unexpected(named(std::move(database.error()), name));
  }
  const auto erased = database->erase(status_key(name));
  auto done = erased ? database->commit() : tl::unexpected(erased.error());
  if (!done && done.error().code == Errc::corrupt) {
    static_cast<void>(database->abort());  // if that fails too, clear() does, and is reported
    done = database->clear();
  }
  if (!done) return tl::unexpected(named(std::move(done.error()), name));
  return {};
}

base::Result<std::optional<StatusEntry>> read_status(const StoreConfig& config, const MailboxName& name) {
  if (!config.statuscache) return std::optional<StatusEntry>();
  if (auto known = check_backend(config); !known) return tl::unexpected(named(std::move(known.error()), name));
  const auto file = TwoskipFile::open(config.statuscache_db, base::LockMode::shared);
  if (!file) {
    if (file.error().code == Errc::not_found) return std::optional<StatusEntry>();
    return tl::unexpected(named(file.error(), name));
  }
  const auto kind = database_kind(file->reader());
  if (!kind) return tl::unexpected(named(kind.error(), name));
  if (*kind == DatabaseKind::empty) return std::optional<StatusEntry>();
  if (*kind != DatabaseKind::twoskip) {
    return tl::unexpected(named({Errc::unsupported, file->what() + ": not a twoskip database"}, name));
  }
  const auto reader = TwoskipReader::open(file->reader(), file->size(), file->what());
  if (!reader) return tl::unexpected(named(reader.error(), name));
  const auto value = reader->find(status_key(name));
  if (value) return parse_status(*value);
  if (value.error().code == Errc::not_found) return std::optional<StatusEntry>();
  return tl::unexpected(named(value.error(), name));
}

}  // namespace cyrus
