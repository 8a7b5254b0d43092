#include "cyrus/quota_report.hpp"

#include "base/ascii.hpp"
#include "cyrus/dlist.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

tl::unexpected<base::Error> corrupt(std::string_view what, std::string_view text) {
  return base::fail(base::Errc::corrupt, std::string(what) + ": " + std::string(text));
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A usage and, if there is one, a limit; below 0 means none.
std::optional<QuotaResource> resource(const std::optional<std::string_view>& used,
                                      const std::optional<std::string_view>& limit) {
  const auto used_number = used ? number(*used) : std::nullopt;
  if (!used_number) return std::nullopt;
  QuotaResource found;
  found.used = std::max<std::int64_t>(*used_number, 0);
  if (limit) {
    const auto limit_number = number(*limit);
    if (!limit_number) return std::nullopt;
    if (*limit_number >= 0) found.limit = limit_number;
  }
  return found;
}

/// The list `(used)` or `(used limit)` of a field, or a bare number.
std::optional<QuotaResource> resource_of(const Dlist& item) {
  if (item.kind == Dlist::Kind::string) return resource(item.text, std::nullopt);
  if (item.kind != Dlist::Kind::list || item.items.empty() || item.items.size() > 2) return std::nullopt;
  std::vector<std::string_view> words;
  for (const Dlist& word : item.items) {
    if (word.kind != Dlist::Kind::string) return std::nullopt;
    words.push_back(word.text);
  }
  return resource(words[0], words.size() > 1 ? std::optional(words[1]) : std::nullopt);
}

base::Result<QuotaReport> parse_list_form(std::string_view text, std::string_view what) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto list = parse_dlist(text);
  if (!list) return corrupt(what, list.error().text);
  if (list->kind != Dlist::Kind::fields) return corrupt(what, "not a list of fields");
  QuotaReport report;
  const std::pair<std::string_view, std::pair<QuotaResource*, bool*>> fields[] = {
      {"S", {&report.storage, nullptr}},
      {"M", {&report.messages, &report.counts_messages}},
      {"AS", {&report.annotations, &report.counts_annotations}},
      {"NF", {&report.folders, &report.counts_folders}}};
  for (const auto& [key, target] : fields) {
    const Dlist* item = list->find(key);
    if (item == nullptr) continue;
    const auto found = resource_of(*item);
    if (!found) return corrupt(what, std::string(key) + " is no usage");
    *target.first = *found;
    if (target.second != nullptr) *target.second = true;
  }
  return report;
}

base::Result<QuotaReport> parse_word_form(std::string_view text, std::string_view what) {
  std::vector<std::string_view> words;
  while (!(text = base::ascii::trim(text)).empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n"));
    words.push_back(word);
    text.remove_prefix(word.size());
  }
  if (words.size() < 2 || words.size() % 3 != 2) return corrupt(what, "neither a list nor numbers");
  QuotaReport report;
  const auto storage = resource(words[0], words[1]);
  if (!storage) return corrupt(what, "a usage is no number");
  report.storage = *storage;
  for (std::size_t i = 2; i < words.size(); i += 3) {
    const auto found = resource(words[i + 1], words[i + 2]);
    if (!found) return corrupt(what, "a usage is no number");
    if (words[i] == "M") {
      report.messages = *found;
      report.counts_messages = true;
    } else if (words[i] == "AS") {
      report.annotations = *found;
      report.counts_annotations = true;
    }
  }
  return report;
}

}  // namespace

base::Result<QuotaReport> parse_quota_report(std::string_view text, std::string_view what) {
  if (text.starts_with("%(")) return parse_list_form(text, what);
  return parse_word_form(text, what);
}

}  // namespace cyrus
