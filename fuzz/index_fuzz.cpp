#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/index_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {

/// Writes right CRCs, so that what is behind the checks is reached too.
void repair(std::span<unsigned char> bytes, std::size_t piece_size) {
  for (; bytes.size() >= piece_size; bytes = bytes.subspan(piece_size)) {
    base::store_be32(bytes, piece_size - 4, base::crc32(bytes.first(piece_size - 4)));
  }
}

}  // namespace

// One octet that says what to repair (bit 0: the sizes in the header, bit 1: its CRC, bit 2: those of the records),
// then the file. Oracle: a pass that succeeds has seen as many records as the header says, with UIDs that ascend.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const unsigned repairs = data[0];
  std::vector<unsigned char> bytes(data + 1, data + size);

  const cyrus::IndexFormat* format =
      bytes.size() >= 24 ? cyrus::find_index_format(base::load_be32(bytes, cyrus::kMinorVersionField.at)) : nullptr;
  if (format != nullptr && bytes.size() >= format->header_size) {
    if ((repairs & 1) != 0) {
      base::store_be32(bytes, cyrus::kStartOffsetField.at, format->header_size);
      base::store_be32(bytes, cyrus::kRecordSizeField.at, format->record_size);
    }
    if ((repairs & 2) != 0) repair(std::span(bytes).first(format->header_size), format->header_size);
    if ((repairs & 4) != 0) repair(std::span(bytes).subspan(format->header_size), format->record_size);
  }

  const base::UniqueFd file(::memfd_create("index", MFD_CLOEXEC));
  CHECK(::write(file.value(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  const auto reader = cyrus::IndexReader::open(file.value(), "index");
  if (!reader) {
    CHECK(reader.error().code == base::Errc::corrupt || reader.error().code == base::Errc::unsupported);
    return 0;
  }
  CHECK(reader->header().end_of_records() <= bytes.size());

  std::uint32_t count = 0;
  std::uint32_t previous = 0;
  const auto read = reader->for_each([&](const cyrus::IndexRecord& record) -> base::Result<void> {
    CHECK(record.uid > previous);
    previous = record.uid;
    ++count;
    return {};
  });
  CHECK(read ? count == reader->header().num_records : read.error().code == base::Errc::corrupt);
  return 0;
}
