#pragma once

#include "cyrus/index_record.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The two checksums of a mailbox with which replication tells whether two copies are the same (doc/format/update.md).
/// Each is the XOR of what its messages contribute, so a change XORs the old contribution out and the new one in. Pure.
namespace cyrus {

/// What sync_crc_annot is without any message.
inline constexpr std::uint32_t kSyncCrcAnnotStart = 12345678;

/// What a message contributes to sync_crc_basic: 0 when it is expunged. `user_flags` are the names by slot of
/// cyrus.header; a bit without a name counts for nothing.
std::uint32_t sync_crc_basic(const IndexRecord& record, const std::vector<std::string>& user_flags);

/// What the fields of a record that count as annotations contribute to sync_crc_annot: 0 when it is expunged.
std::uint32_t sync_crc_virtual_annotations(std::uint32_t index_version, const IndexRecord& record);

/// What one stored annotation contributes to sync_crc_annot. `userid` is empty for a shared one.
std::uint32_t sync_crc_annotation(std::uint32_t uid, std::string_view entry, std::string_view userid,
                                  std::string_view value);

}  // namespace cyrus
