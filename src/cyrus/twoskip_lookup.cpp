#include "cyrus/twoskip_lookup.hpp"

#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <utility>

namespace cyrus {
namespace {

using base::Errc;

/// What `look` finds; nullopt where there is nothing to look into.
template <class Look>
auto look_into(const std::filesystem::path& path, const Look& look)
    -> base::Result<std::optional<typename decltype(look(std::declval<const TwoskipReader&>()))::value_type>> {
  const auto file = TwoskipFile::open(path, base::LockMode::shared);
  if (!file) {
    if (file.error().code == Errc::not_found) return std::nullopt;
    return tl::unexpected(file.error());
  }
  const auto kind = database_kind(file->reader());
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == DatabaseKind::empty) return std::nullopt;
  if (*kind != DatabaseKind::twoskip) return base::fail(Errc::unsupported, file->what() + ": not a twoskip database");
  const auto reader = TwoskipReader::open(file->reader(), file->size(), file->what());
  if (!reader) return tl::unexpected(reader.error());
  auto found = look(*reader);
  if (found) return *std::move(found);
  if (found.error().code == Errc::not_found) return std::nullopt;
  return tl::unexpected(std::move(found.error()));
}

}  // namespace

base::Result<std::optional<std::string>> find_in_twoskip(const std::filesystem::path& file, std::string_view key) {
  return look_into(file, [key](const TwoskipReader& reader) { return reader.find(key); });
}

base::Result<std::vector<TwoskipItem>> items_in_twoskip(const std::filesystem::path& file, std::string_view prefix,
                                                        std::size_t most) {
  using Items = std::vector<TwoskipItem>;
  auto found = look_into(file, [&](const TwoskipReader& reader) -> base::Result<Items> {
    Items items;
    for (std::string from(prefix);;) {
      auto item = reader.first_from(from);
      if (!item) return tl::unexpected(std::move(item.error()));
      if (!*item || !(*item)->key.starts_with(prefix)) return items;
      if (items.size() == most) return base::fail(Errc::limit, file.native() + ": too many items of one kind");
      items.push_back(std::move(**item));
      from = items.back().key + '\0';  // the first key behind it
    }
  });
  if (!found) return tl::unexpected(std::move(found.error()));
  return *found ? **std::move(found) : Items{};
}

}  // namespace cyrus
