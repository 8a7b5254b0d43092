#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

struct SasldbUser;

/// Whose property a key of sasldb is: NAME NUL REALM NUL PROPERTY. nullopt for a key of another form. Pure.
std::optional<SasldbUser> parse_sasldb_key(std::string_view key);

/// Everybody with a property in a sasldb, a Berkeley DB hash, sorted and each once. A missing file is an empty one.
/// libsasl2 has no call for this. Blocks on disk. Errors: permission; corrupt (no such database); io.
base::Result<std::vector<SasldbUser>> read_sasldb_users(const std::filesystem::path& file);

}  // namespace auth
