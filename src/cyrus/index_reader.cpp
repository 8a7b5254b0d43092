#include "cyrus/index_reader.hpp"

#include "base/file_io.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <sys/stat.h>
#include <vector>

namespace cyrus {
namespace {

// Few system calls for a large mailbox, little memory for many logins at once.
constexpr std::size_t kChunk = 256 * 1024;

}  // namespace

base::Result<IndexReader> IndexReader::open(int fd, std::string what) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return base::fail_system(what, errno);
  if (!S_ISREG(status.st_mode)) return base::fail(base::Errc::corrupt, what + ": not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);

  std::array<char, kLargestIndexHeader> bytes = {};
  const auto got = base::read_some(fd, bytes, 0, what);
  if (!got) return tl::unexpected(got.error());
  const std::span whole(reinterpret_cast<const unsigned char*>(bytes.data()), *got);
  const auto header = parse_index_header(whole, what);
  if (!header) return tl::unexpected(header.error());
  if (header->end_of_records() > size) {
    return base::fail(base::Errc::corrupt, what + ": " + std::to_string(size) + " bytes, but " +
                                               std::to_string(header->num_records) + " records need " +
                                               std::to_string(header->end_of_records()) + "; run reconstruct");
  }
  return IndexReader{fd, std::move(what), *header};
}

base::Result<void> IndexReader::for_each(const std::function<base::Result<void>(const IndexRecord&)>& visit) const {
  const std::size_t record_size = header_.record_size;
  const std::size_t per_chunk = kChunk / record_size;
  std::vector<unsigned char> chunk(std::min<std::size_t>(per_chunk, header_.num_records) * record_size);

  std::uint32_t previous_uid = 0;
  for (std::uint64_t done = 0; done < header_.num_records;) {
    const std::size_t count = std::min<std::uint64_t>(per_chunk, header_.num_records - done);
    const std::span bytes = std::span(chunk).first(count * record_size);
    const auto read = base::read_exactly(fd_, bytes, header_.start_offset + done * record_size, what_);
    if (!read) return read;

    for (std::size_t i = 0; i < count; ++i) {
      const auto fail_record = [&](std::string_view text) {
        return base::fail(base::Errc::corrupt, what_ + ": record " + std::to_string(done + i + 1) + ": " +
                                                   std::string(text) + "; run reconstruct");
      };
      const std::span record_bytes = bytes.subspan(i * record_size, record_size);
      if (!has_valid_crc(record_bytes)) return fail_record("wrong CRC");
      const IndexRecord record = decode_index_record(*header_.format_table, record_bytes);
      if (record.uid <= previous_uid) {
        return fail_record("UID " + std::to_string(record.uid) + " after UID " + std::to_string(previous_uid));
      }
      previous_uid = record.uid;
      const auto visited = visit(record);
      if (!visited) return visited;
    }
    done += count;
  }
  return {};
}

}  // namespace cyrus
