#include "cyrus/mailbox_annotations.hpp"

#include "cyrus/patiently.hpp"
#include "cyrus/twoskip_lookup.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <cstddef>
#include <optional>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::string_view kSpecialUse = "/specialuse";
// More annotations than this of one mailbox are no mail store.
constexpr std::size_t kMaxPerMailbox = 10'000;

std::string key_prefix(std::string_view uniqueid) { return std::string(uniqueid) + '\0'; }

std::string special_use_key(std::string_view uniqueid) {
  std::string key = key_prefix(uniqueid);
  for (const std::string_view part : {kSpecialUse, kAnnotationOwner}) {
    key += part;
    key += '\0';
  }
  return key;
}

tl::unexpected<base::Error> unsupported(const StoreConfig& config) {
  return base::fail(Errc::unsupported,
                    config.annotation_db.native() + ": not written: annotation_db is " + config.annotation_backend);
}

}  // namespace

base::Result<std::vector<MessageAnnotation>> mailbox_annotations(std::string_view uniqueid, const StoreConfig& config) {
  const std::string prefix = key_prefix(uniqueid);
  const auto items = patiently([&] { return items_in_twoskip(config.annotation_db, prefix, kMaxPerMailbox); });
  if (!items) return tl::unexpected(items.error());
  std::vector<MessageAnnotation> found;
  for (const TwoskipItem& item : *items) {
    auto annotation = parse_message_annotation(std::string_view(item.key).substr(prefix.size()), item.value);
    if (!annotation) {
      return base::fail(Errc::corrupt, config.annotation_db.native() + ": " + annotation.error().text);
    }
    if (*annotation) found.push_back(**std::move(annotation));
  }
  return found;
}

base::Result<std::string> special_use_of(std::string_view uniqueid, const StoreConfig& config) {
  const std::string key = special_use_key(uniqueid);
  const auto value = patiently([&] { return find_in_twoskip(config.annotation_db, key); });
  if (!value) return tl::unexpected(value.error());
  if (!*value) return std::string();
  auto annotation = parse_message_annotation(std::string_view(key).substr(uniqueid.size() + 1), **value);
  if (!annotation) return base::fail(Errc::corrupt, config.annotation_db.native() + ": " + annotation.error().text);
  return *annotation ? std::move((*annotation)->value) : std::string();
}

base::Result<void> set_special_use(std::string_view uniqueid, std::string_view use, const StoreConfig& config) {
  if (config.annotation_backend != "twoskip") return unsupported(config);
  return patiently([&]() -> base::Result<void> {
    auto database = TwoskipWriter::open(config.annotation_db, {.create = true});
    if (!database) return tl::unexpected(std::move(database.error()));
    if (auto stored = database->store(special_use_key(uniqueid), encode_annotation_value(use)); !stored) return stored;
    return database->commit();
  });
}

base::Result<void> remove_mailbox_annotations(std::string_view uniqueid, const StoreConfig& config) {
  if (config.annotation_backend != "twoskip") return unsupported(config);
  const std::string prefix = key_prefix(uniqueid);
  // Most mailboxes have none, and a lock for writing would hold everybody up.
  const auto items = patiently([&] { return items_in_twoskip(config.annotation_db, prefix, kMaxPerMailbox); });
  if (!items) return tl::unexpected(items.error());
  if (items->empty()) return {};
  return patiently([&]() -> base::Result<void> {
    auto database = TwoskipWriter::open(config.annotation_db);
    if (!database) return tl::unexpected(std::move(database.error()));
    for (const TwoskipItem& item : *items) {
      if (auto erased = database->erase(item.key); !erased) return tl::unexpected(std::move(erased.error()));
    }
    return database->commit();
  });
}

}  // namespace cyrus
