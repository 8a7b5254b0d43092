#include "config/imapd_conf_builder.hpp"

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "config/conf_file.hpp"
#include "config/value.hpp"

#include <algorithm>

namespace config {
namespace {

constexpr std::string_view kConfigDirectory = "{configdirectory}";
/// What Cyrus has room for: a longer partition key is in the file, but never found.
constexpr std::size_t kMaxPartitionKey = 79;

struct Value {
  std::string text;
  std::int64_t number = 0;
  std::string warning;
};

bool has_word(std::string_view words, std::string_view word) {
  const auto all = split_words(words);
  return std::find(all.begin(), all.end(), word) != all.end();
}

tl::unexpected<std::string> refuse(std::string_view what, std::string_view text, const OptionInfo& row) {
  return tl::unexpected(std::string(what) + " " + shown(text) + " for " + std::string(row.name));
}

/// The value of an option, or what is wrong with it.
tl::expected<Value, std::string> parse_value(const OptionInfo& row, std::string_view text) {
  Value value{std::string(text), 0, {}};
  switch (row.type) {
    case OptionType::text:
      break;
    case OptionType::toggle: {
      const auto on = parse_toggle(text);
      if (!on) return refuse("non-switch value", text, row);
      value.number = *on ? 1 : 0;
      break;
    }
    case OptionType::integer: {
      const auto number = parse_integer(text);
      if (!number) return refuse("non-integer value", text, row);
      value.number = number->value;
      if (number->cut) {
        value.warning = "value " + shown(text) + " for " + std::string(row.name) + " does not fit into 32 bits, " +
                        std::to_string(number->value) + " is used";
      }
      break;
    }
    case OptionType::duration: {
      const auto seconds = parse_duration(text, row.unit);
      if (!seconds) return refuse("unparsable duration", text, row);
      value.number = seconds->count();
      break;
    }
    case OptionType::byte_size: {
      const bool negative = row.default_value && row.default_value->starts_with('-');
      const auto bytes = parse_byte_size(text, row.unit, negative);
      if (!bytes) return refuse("unparsable byte size", text, row);
      value.number = *bytes;
      break;
    }
    case OptionType::enumeration:
      value.text = enumeration_word(text);
      if (!has_word(row.words, value.text)) return refuse("invalid value", text, row);
      break;
    case OptionType::string_list:
      if (!has_word(row.words, text)) return refuse("invalid value", text, row);
      break;
    case OptionType::bitfield:
      for (const std::string_view word : split_words(text)) {
        if (!row.words.empty() && !has_word(row.words, word)) return refuse("invalid value", word, row);
      }
      break;
  }
  return value;
}

/// Known by name or family, plainly or behind the name of a service other than ours.
bool is_known_key(std::string_view key) {
  if (matches_key_pattern(key)) return true;
  for (std::size_t at = key.find('_', 1); at != std::string_view::npos; at = key.find('_', at + 1)) {
    const std::string_view rest = key.substr(at + 1);
    if (find_option(rest) || matches_key_pattern(rest)) return true;
  }
  return false;
}

/// A path to compare with others: one slash between names, one at the end, no `.` and `..`.
std::string comparable(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().native();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  while (normal.starts_with("//")) normal.erase(0, 1);
  return normal.ends_with('/') ? normal : normal + '/';
}

/// Where an option of the partition families points.
struct Directory {
  std::string path;  ///< comparable()
  std::string option;
  std::string file;
  int line = 0;
};

struct Overlap {
  std::string file;
  int line = 0;
  std::string text;
};

/// Directories that are equal to another one or inside it, each with the nearest of those around it.
std::vector<Overlap> overlaps(std::vector<Directory>& directories) {
  // In this order all that is inside a directory follows it at once, so those around the current one form a stack.
  std::stable_sort(directories.begin(), directories.end(),
                   [](const Directory& a, const Directory& b) { return a.path < b.path; });
  std::vector<Overlap> found;
  std::vector<const Directory*> around;
  for (const Directory& inner : directories) {
    while (!around.empty() && !inner.path.starts_with(around.back()->path)) around.pop_back();
    if (!around.empty()) {
      const Directory& outer = *around.back();
      const std::string relation = inner.path == outer.path ? " has the same path as " : " is inside ";
      found.push_back(
          Overlap{inner.file, inner.line,
                  shown(inner.option) + relation + shown(outer.option) + " (" + place(outer.file, outer.line) + ")"});
    }
    around.push_back(&inner);
  }
  return found;
}

}  // namespace

ImapdConf::Builder::Builder(std::string file, std::string_view service) {
  conf_.file_ = std::move(file);
  conf_.service_ = base::ascii::lower(service);
  conf_.settings_.resize(option_table().size());
  for (const OptionInfo& row : option_table()) {
    if (!row.default_value) continue;
    auto value = parse_value(row, *row.default_value);
    CHECK(value.has_value());
    Setting& made = setting(row.option);
    made.text = std::move(value->text);
    made.number = value->number;
    made.has_value = true;
  }
}

base::Result<ImapdConf> ImapdConf::Builder::build(std::vector<Statement> statements, Partitions partitions) {
  for (Statement& statement : statements) {
    if (const auto done = add(std::move(statement)); !done) return tl::unexpected(done.error());
  }
  move_deprecated();
  if (const auto done = check_config_directory(); !done) return tl::unexpected(done.error());
  replace_config_directory();
  if (const auto done = check_default_partition(partitions); !done) return tl::unexpected(done.error());
  if (const auto done = check_partition_paths(); !done) return tl::unexpected(done.error());
  if (const auto done = check_proc_path(); !done) return tl::unexpected(done.error());
  warn_of_old_tls();
  return std::move(conf_);
}

base::Result<void> ImapdConf::Builder::add(Statement statement) {
  const std::string prefix = conf_.service_ + "_";
  if (!conf_.service_.empty() && statement.key.starts_with(prefix)) {
    if (const auto option = find_option(std::string_view(statement.key).substr(prefix.size()))) {
      return add_option(info(*option), true, statement);
    }
  }
  if (const auto option = find_option(statement.key)) return add_option(info(*option), false, statement);
  if (!is_known_key(statement.key)) {
    warn(statement.file, statement.line, "unknown option " + shown(statement.key) + ": another program's, or misspelt");
  }
  add_key(std::move(statement));
  return {};
}

base::Result<void> ImapdConf::Builder::add_option(const OptionInfo& row, bool of_service, const Statement& statement) {
  auto value = parse_value(row, statement.value);
  if (!value) return fail_at(statement.file, statement.line, value.error());
  if (!value->warning.empty()) warn(statement.file, statement.line, value->warning);

  Setting& made = setting(row.option);
  if (made.of_service && !of_service) return {};  // the prefixed form stays, whichever line comes first
  made = Setting{std::move(value->text), value->number, true, true, of_service, statement.file, statement.line};
  return {};
}

void ImapdConf::Builder::add_key(Statement statement) {
  conf_.key_index_.emplace(statement.key, conf_.keys_.size());
  conf_.keys_.push_back(
      Key{std::move(statement.key), std::move(statement.value), std::move(statement.file), statement.line});
}

void ImapdConf::Builder::move_deprecated() {
  for (const OptionInfo& row : option_table()) {
    Setting& old = setting(row.option);
    if (row.deprecated_since.empty() || !old.is_set) continue;
    const std::string name(row.name);
    const std::string since = " since version " + std::string(row.deprecated_since);
    if (!row.replaced_by) {
      warn(old.file, old.line, "option '" + name + "' is deprecated" + since);
      continue;
    }
    const std::string successor(info(*row.replaced_by).name);
    Setting& now = setting(*row.replaced_by);
    warn(old.file, old.line,
         "option '" + name + "' is deprecated in favor of '" + successor + "'" + since +
             (now.is_set ? ", and '" + successor + "' is given too: '" + name + "' has no effect" : ""));
    if (!now.is_set) now = std::move(old);
    old = Setting{};
  }
}

base::Result<void> ImapdConf::Builder::check_config_directory() {
  const Setting& directory = setting(Option::configdirectory);
  if (!directory.is_set) {
    return base::fail(base::Errc::invalid, conf_.file_.native() + ": option 'configdirectory' is missing");
  }
  if (!directory.text.starts_with('/')) {
    return fail_at(directory.file, directory.line, "configdirectory " + shown(directory.text) + " is not absolute");
  }
  if (comparable(directory.text) == "/") return fail_at(directory.file, directory.line, "configdirectory is '/'");
  return {};
}

void ImapdConf::Builder::replace_config_directory() {
  const std::string directory = setting(Option::configdirectory).text;
  for (const OptionInfo& row : option_table()) {
    Setting& changed = setting(row.option);
    if (row.type != OptionType::text || row.option == Option::configdirectory) continue;
    if (changed.text.starts_with(kConfigDirectory)) changed.text.replace(0, kConfigDirectory.size(), directory);
  }
}

base::Result<void> ImapdConf::Builder::check_default_partition(Partitions partitions) {
  Setting& chosen = setting(Option::defaultpartition);
  if (!std::all_of(chosen.text.begin(), chosen.text.end(), base::ascii::is_alnum)) {
    return fail_at(chosen.file, chosen.line,
                   "defaultpartition " + shown(chosen.text) + " contains something else than letters and digits");
  }
  chosen.text = base::ascii::lower(chosen.text);
  if (partitions == Partitions::optional) return {};

  if (chosen.is_set) {
    if (conf_.find("partition-" + chosen.text)) return {};
    return fail_at(chosen.file, chosen.line, "defaultpartition: there is no option 'partition-" + chosen.text + "'");
  }
  // A frontend of a standard murder keeps no mail.
  const bool frontend = setting(Option::mupdate_server).is_set && !setting(Option::proxyservers).is_set &&
                        setting(Option::mupdate_config).text == "standard";
  if (frontend || !conf_.keys_with("partition-").empty()) return {};
  return base::fail(base::Errc::invalid, conf_.file_.native() + ": there is no option 'partition-NAME'");
}

base::Result<void> ImapdConf::Builder::check_partition_paths() {
  std::vector<Directory> partitions;
  std::vector<Directory> all;
  for (const std::string_view family : {"partition-", "metapartition-", "archivepartition-"}) {
    for (const Key& key : conf_.keys_with(family)) {
      const std::string name = std::string(family) + key.name;
      if (name.size() > kMaxPartitionKey) warn(key.file, key.line, "option " + shown(name) + " is too long for Cyrus");
      all.push_back(Directory{comparable(key.value), name, key.file, key.line});
      if (family == "partition-") partitions.push_back(all.back());
    }
  }
  for (const Overlap& overlap : overlaps(partitions)) {
    return fail_at(overlap.file, overlap.line, "invalid partition value detected: " + overlap.text);
  }
  for (const Overlap& overlap : overlaps(all)) warn(overlap.file, overlap.line, overlap.text);
  return {};
}

base::Result<void> ImapdConf::Builder::check_proc_path() {
  const Setting& path = setting(Option::proc_path);
  if (path.text.starts_with('/')) return {};
  return fail_at(path.file, path.line, "proc_path " + shown(path.text) + " is not absolute");
}

void ImapdConf::Builder::warn_of_old_tls() {
  const Setting& versions = setting(Option::tls_versions);
  for (const std::string_view old : {"ssl2", "ssl3", "tls1_0", "tls1_1"}) {
    if (versions.text.find(old) == std::string::npos) continue;
    warn(versions.file, versions.line, "tls_versions allows " + std::string(old) + ", which is not safe any more");
  }
}

void ImapdConf::Builder::warn(const std::string& file, int line, const std::string& what) {
  conf_.warnings_.push_back(place(file, line) + ": " + what);
}

}  // namespace config
