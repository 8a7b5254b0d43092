#pragma once

#include "cyrus/index_header.hpp"
#include "cyrus/index_record.hpp"

#include <cstdint>
#include <string>

namespace support {

/// The bytes of a cyrus.index header of version header.minor_version, with its CRC; start_offset and record_size are
/// what that version has. Fields that the version lacks are not written.
///
/// Appends field after field, as doc/format/index.md lists them, and knows nothing of src/cyrus/index_format.cpp: an
/// offset that is wrong there does not come back as right.
std::string index_header_bytes(const cyrus::IndexHeader& header);

/// The bytes of one record of that version, with its CRC.
std::string index_record_bytes(std::uint32_t version, const cyrus::IndexRecord& record);

/// Big-endian numbers at the end of a text.
void append_be16(std::string& to, std::uint64_t number);
void append_be32(std::string& to, std::uint64_t number);
void append_be64(std::string& to, std::uint64_t number);

}  // namespace support
