#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace cyrus {

/// True when a file that begins with `bytes` (16 at least) is a skiplist file, the database format before twoskip.
bool is_skiplist(std::string_view bytes);

/// Calls `visit` for each item of a skiplist database (doc/format/mailboxes-db.md) in the order of the file, until it
/// returns false. The caller holds the shared lock of the file. With `any_order` the order of keys is not checked.
///
/// The format has no checksums and changes records in place, so a file whose log does not end with a commit cannot be
/// read. Errors: corrupt (also: an unfinished transaction); unsupported (a newer version); limit; io.
base::Result<void> walk_skiplist(const ReadAt& read, std::uint64_t file_size, const std::string& what, bool any_order,
                                 const std::function<bool(TwoskipItem&&)>& visit);

}  // namespace cyrus
