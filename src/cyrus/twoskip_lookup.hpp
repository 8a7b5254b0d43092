#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_format.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Single looks into a twoskip database that others write: each takes the shared lock of the file and lets it go. A
/// missing or empty file is an empty database. They block on disk, never on locks. Errors: busy; unsupported (no
/// twoskip database); corrupt; limit; permission; io.
namespace cyrus {

/// The value of a key; nullopt: there is no such key.
base::Result<std::optional<std::string>> find_in_twoskip(const std::filesystem::path& file, std::string_view key);

/// The items whose keys begin with `prefix`. More than `most` are Errc::limit.
base::Result<std::vector<TwoskipItem>> items_in_twoskip(const std::filesystem::path& file, std::string_view prefix,
                                                        std::size_t most);

}  // namespace cyrus
