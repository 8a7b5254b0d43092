#include "cyrus/status_cache.hpp"

#include <cerrno>
#include <charconv>
#include <sys/stat.h>
#include <system_error>

namespace cyrus {
namespace {

// The next number of `text`, which is taken off with the space behind it.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
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
  return entry;
}

base::Result<void> forget_status(const StoreConfig& config, const MailboxName& name) {
  if (!config.statuscache) return {};
  struct stat status = {};
  if (::stat(config.statuscache_db.c_str(), &status) != 0 && errno == ENOENT) return {};
  return base::fail(base::Errc::unsupported,
                    "mailbox " + name.intname() + ": " + config.statuscache_db.native() + " cannot be changed");
}

base::Result<std::optional<StatusEntry>> read_status(const StoreConfig& config, const MailboxName& name) {
  if (!config.statuscache) return std::optional<StatusEntry>();
  return base::fail(base::Errc::unsupported,
                    "mailbox " + name.intname() + ": " + config.statuscache_db.native() + " cannot be read");
}

}  // namespace cyrus
