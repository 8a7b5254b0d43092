#include "config/imapd_conf.hpp"

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "config/conf_file.hpp"
#include "config/imapd_conf_builder.hpp"
#include "config/value.hpp"

namespace config {

base::Result<ImapdConf> ImapdConf::load(const std::filesystem::path& file, std::string_view service,
                                        Partitions partitions) {
  const auto text = read_conf_file(file);
  if (!text) return tl::unexpected(text.error());
  return parse(
      file.native(), *text, service, [](const std::string& path) { return read_conf_file(path); }, partitions);
}

base::Result<ImapdConf> ImapdConf::parse(const std::string& file, std::string_view text, std::string_view service,
                                         const IncludeReader& read_include, Partitions partitions) {
  auto statements = parse_imapd_conf_lines(file, text, read_include);
  if (!statements) return tl::unexpected(statements.error());
  return Builder(file, service).build(std::move(*statements), partitions);
}

bool ImapdConf::is_on(Option option) const { return setting(option, OptionType::toggle).number != 0; }

int ImapdConf::integer(Option option) const { return static_cast<int>(setting(option, OptionType::integer).number); }

std::chrono::seconds ImapdConf::duration(Option option) const {
  return std::chrono::seconds(setting(option, OptionType::duration).number);
}

std::int64_t ImapdConf::byte_size(Option option) const { return setting(option, OptionType::byte_size).number; }

std::optional<std::string_view> ImapdConf::text(Option option) const {
  const Setting& found = setting(option, OptionType::text);
  if (!found.has_value) return std::nullopt;
  return found.text;
}

std::string_view ImapdConf::choice(Option option) const {
  const bool enumeration = info(option).type == OptionType::enumeration;
  return setting(option, enumeration ? OptionType::enumeration : OptionType::string_list).text;
}

std::vector<std::string_view> ImapdConf::words(Option option) const {
  return split_words(setting(option, OptionType::bitfield).text);
}

bool ImapdConf::is_set(Option option) const { return setting(option, info(option).type).is_set; }

std::optional<std::string_view> ImapdConf::find(std::string_view key) const {
  const std::string name = base::ascii::lower(key);
  if (const auto option = find_option(name)) {
    const Setting& found = setting(*option, info(*option).type);
    if (found.is_set) return found.text;
    return std::nullopt;
  }
  const Key* found = service_.empty() ? nullptr : find_key(service_ + "_" + name);
  if (found == nullptr) found = find_key(name);
  if (found == nullptr) return std::nullopt;
  return found->value;
}

std::vector<std::pair<std::string, std::string>> ImapdConf::find_prefix(std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> found;
  for (Key& key : keys_with(base::ascii::lower(prefix))) found.emplace_back(std::move(key.name), std::move(key.value));
  return found;
}

const std::vector<std::string>& ImapdConf::warnings() const { return warnings_; }
const std::filesystem::path& ImapdConf::file() const { return file_; }
const std::string& ImapdConf::service() const { return service_; }

const ImapdConf::Setting& ImapdConf::setting(Option option, OptionType type) const {
  CHECK(info(option).type == type);
  return settings_[static_cast<std::size_t>(option)];
}

const ImapdConf::Key* ImapdConf::find_key(const std::string& name) const {
  const auto found = key_index_.find(name);
  return found == key_index_.end() ? nullptr : &keys_[found->second];
}

/// The keys behind `prefix`, which the names lose, each once: the line with the service prefix beats the plain one.
std::vector<ImapdConf::Key> ImapdConf::keys_with(std::string_view prefix) const {
  std::vector<Key> found;
  std::unordered_map<std::string, std::size_t> index;
  const std::string of_service = service_ + "_" + std::string(prefix);
  for (const Key& key : keys_) {
    const bool prefixed = !service_.empty() && key.name.starts_with(of_service);
    if (!prefixed && !key.name.starts_with(prefix)) continue;
    std::string name = key.name.substr(prefixed ? of_service.size() : prefix.size());
    if (name.empty()) continue;
    const auto [known, is_new] = index.emplace(name, found.size());
    if (is_new) {
      found.push_back(Key{std::move(name), key.value, key.file, key.line});
    } else if (prefixed) {
      found[known->second] = Key{std::move(name), key.value, key.file, key.line};
    }
  }
  return found;
}

}  // namespace config
