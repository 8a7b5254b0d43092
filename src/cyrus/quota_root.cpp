#include "cyrus/quota_root.hpp"

#include "base/file_io.hpp"
#include "cyrus/dlist.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::size_t kMaxQuotaFile = std::size_t{64} * 1024;

tl::unexpected<base::Error> corrupt(std::string_view what, std::string_view why) {
  return base::fail(Errc::corrupt, std::string(what) + ": " + std::string(why) + "; run quota -f");
}

base::Result<void> check_backend(const StoreConfig& config) {
  if (config.quota_backend == "quotalegacy") return {};
  return base::fail(Errc::unsupported, "quota_db " + config.quota_backend + " is not handled here");
}

/// A usage and its limit: a number, or a list of one or two.
bool take_resource(const Dlist& fields, std::string_view key, std::int64_t& used, std::optional<std::uint64_t>* limit) {
  const Dlist* item = fields.find(key);
  if (item == nullptr) return true;
  const Dlist* first = item;
  if (item->kind == Dlist::Kind::list) {
    if (item->items.empty()) return false;
    first = &item->items.front();
    if (limit != nullptr && item->items.size() > 1) *limit = parse_decimal(item->items[1].text);
  }
  if (first->kind != Dlist::Kind::string) return false;  // NIL, or a list in a list
  if (first->text.starts_with('-')) {                    // an error of an old release; everybody reads it as none
    used = 0;
    return true;
  }
  const auto number = parse_decimal(first->text);
  if (!number) return false;
  used = static_cast<std::int64_t>(std::min<std::uint64_t>(*number, INT64_MAX));
  return true;
}

base::Result<QuotaRoot> parse_list_form(std::string_view text, QuotaRoot root, std::string_view what) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto list = parse_dlist(text);
  if (!list) return corrupt(what, list.error().text);
  QuotaUsage& usage = root.usage;
  if (list->kind != Dlist::Kind::fields || !take_resource(*list, "S", usage.storage, &root.limits.storage_kib) ||
      !take_resource(*list, "M", usage.messages, &root.limits.messages) ||
      !take_resource(*list, "AS", usage.annotations, nullptr) || !take_resource(*list, "NF", usage.folders, nullptr)) {
    return corrupt(what, "a usage is no number");
  }
  return root;
}

/// `used limit`, then `NAME used limit` for each further resource.
base::Result<QuotaRoot> parse_word_form(std::string_view text, QuotaRoot root, std::string_view what) {
  std::vector<std::string_view> words;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty()) break;
    words.push_back(text.substr(0, text.find_first_of(" \t\r\n")));
    text.remove_prefix(words.back().size());
  }
  if (words.size() < 2) return corrupt(what, "neither a list nor numbers");
  words.insert(words.begin(), "S");
  for (std::size_t i = 0; i + 2 < words.size(); i += 3) {
    const auto used = parse_decimal(words[i + 1]);
    const auto limit = parse_decimal(words[i + 2]);  // -1: none
    if (!used && !words[i + 1].starts_with('-')) return corrupt(what, "a usage is no number");
    const auto number = static_cast<std::int64_t>(std::min<std::uint64_t>(used.value_or(0), INT64_MAX));
    if (words[i] == "S") root.usage.storage = number, root.limits.storage_kib = limit;
    if (words[i] == "M") root.usage.messages = number, root.limits.messages = limit;
    if (words[i] == "AS") root.usage.annotations = number;
    if (words[i] == "NF") root.usage.folders = number;
  }
  return root;
}

void set_limit(Dlist& fields, std::string_view key, const std::optional<std::uint64_t>& limit) {
  const auto place = std::ranges::find(fields.keys, key);
  Dlist* item =
      place == fields.keys.end() ? nullptr : &fields.items[static_cast<std::size_t>(place - fields.keys.begin())];
  if (item == nullptr || item->kind == Dlist::Kind::nil) {  // a second one behind NIL would never be found
    if (!limit) return;
    if (item == nullptr) {
      fields.keys.emplace_back(key);
      item = &fields.items.emplace_back();
    }
    item->kind = Dlist::Kind::list;
    item->items.push_back(dlist_string("0"));
  } else if (item->kind == Dlist::Kind::string) {
    Dlist list;
    list.kind = Dlist::Kind::list;
    list.items.push_back(std::move(*item));
    *item = std::move(list);
  }
  item->items.resize(1);
  if (limit) item->items.push_back(dlist_string(std::to_string(*limit)));
}

}  // namespace

base::Result<QuotaRoot> parse_quota_root(std::string_view text, std::string_view root) {
  const std::string what = "quota root " + std::string(root);
  QuotaRoot quota;
  quota.name = root;
  return text.starts_with("%(") ? parse_list_form(text, std::move(quota), what)
                                : parse_word_form(text, std::move(quota), what);
}

std::string new_quota_text(const QuotaLimits& limits) {
  const auto resource = [](const std::optional<std::uint64_t>& limit) {
    return limit ? "(0 " + std::to_string(*limit) + ')' : std::string("(0)");
  };
  return "%(S " + resource(limits.storage_kib) + " M " + resource(limits.messages) + " AS (0) NF (0) MODSEQ 1)\n";
}

base::Result<std::string> change_quota_limits(std::string_view text, const QuotaLimits& limits, std::string_view what) {
  if (!text.starts_with("%(")) {
    return base::fail(Errc::unsupported, std::string(what) + ": has the form of a release before 3.0");
  }
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto list = parse_dlist(text);
  if (!list) return corrupt(what, list.error().text);
  if (list->kind != Dlist::Kind::fields) return corrupt(what, "not a list of fields");
  set_limit(*list, "S", limits.storage_kib);
  set_limit(*list, "M", limits.messages);
  if (Dlist* modseq = const_cast<Dlist*>(std::as_const(*list).find("MODSEQ"))) {
    const auto number = parse_decimal(modseq->text);
    if (!number) return corrupt(what, "MODSEQ is no number");
    modseq->text = std::to_string(*number + 1);
  }
  std::string out;
  append_dlist(*list, out);
  return out + '\n';
}

base::Result<std::string> find_quota_root(const MailboxName& name, const StoreConfig& config) {
  if (auto fine = check_backend(config); !fine) return tl::unexpected(std::move(fine.error()));
  const std::string domain = name.domain().empty() ? std::string() : name.domain() + '!';
  std::string rest = name.intname().substr(domain.size());
  for (;;) {
    const std::string root = domain + rest;
    if (root.empty()) return root;
    const auto file = quota_file_path(root, config);
    if (!file) return tl::unexpected(file.error());
    struct stat status = {};
    if (::stat(file->c_str(), &status) == 0) return root;
    if (errno != ENOENT) return base::fail_system(file->native(), errno);
    if (rest.empty()) return std::string();
    const auto dot = rest.rfind('.');
    rest.resize(dot == std::string::npos ? 0 : dot);
  }
}

base::Result<QuotaRoot> read_quota_root(std::string_view root, const StoreConfig& config) {
  if (auto fine = check_backend(config); !fine) return tl::unexpected(std::move(fine.error()));
  const auto file = quota_file_path(root, config);
  if (!file) return tl::unexpected(file.error());
  const auto text = base::read_file(*file, kMaxQuotaFile);
  if (!text) return tl::unexpected(text.error());
  return parse_quota_root(*text, root);
}

}  // namespace cyrus
