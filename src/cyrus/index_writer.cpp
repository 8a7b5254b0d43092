// Writing in place: most mailboxes of POP3 are small, so header and changed records usually lie within a few pages, and
// one write takes all of them to the page cache at once. For the rest the records go first and are made durable, so
// that a power loss cannot leave a header that is ahead. Against a kill of this process neither is enough (a write of
// several pages can end between two of them): callers that change records do so by base::run_apart().

#include "cyrus/index_writer.hpp"

#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/index_record.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

constexpr std::uint32_t kRecordsPerChunk = 256;
constexpr std::uint64_t kOneWrite = std::uint64_t{64} * 1024;

}  // namespace

void RecordEdits::add(std::uint32_t number, std::span<const unsigned char> bytes) {
  CHECK(bytes.size() == record_size_);
  CHECK(numbers_.empty() || numbers_.back() < number);
  numbers_.push_back(number);
  before_.insert(before_.end(), bytes.begin(), bytes.end());
  after_.insert(after_.end(), bytes.begin(), bytes.end());
}

base::Result<IndexWriter> IndexWriter::open(int fd, std::string what) {
  const auto reader = IndexReader::open(fd, what);
  if (!reader) return tl::unexpected(reader.error());
  IndexWriter writer(fd, std::move(what));
  writer.header_ = reader->header();
  writer.header_bytes_.resize(writer.header_.start_offset);
  const auto read = base::read_exactly(fd, writer.header_bytes_, 0, writer.what_);
  if (!read) return tl::unexpected(read.error());
  return writer;
}

base::Result<std::span<const unsigned char>> IndexWriter::record(std::uint32_t number) {
  const std::size_t size = header_.record_size;
  if (chunk_.empty() || number < chunk_first_ || number - chunk_first_ >= chunk_.size() / size) {
    const std::uint32_t first = number / kRecordsPerChunk * kRecordsPerChunk;
    const std::uint32_t count = std::min(kRecordsPerChunk, header_.num_records - first);
    std::vector<unsigned char> bytes(count * size);
    const std::uint64_t offset = header_.start_offset + std::uint64_t{first} * size;
    if (const auto read = base::read_exactly(fd_, bytes, offset, what_); !read) return tl::unexpected(read.error());
    chunk_ = std::move(bytes);
    chunk_first_ = first;
  }
  const std::span bytes = std::span<const unsigned char>(chunk_).subspan((number - chunk_first_) * size, size);
  if (!has_valid_crc(bytes)) {
    return base::fail(base::Errc::corrupt,
                      what_ + ": record " + std::to_string(std::uint64_t{number} + 1) + ": wrong CRC; run reconstruct");
  }
  return bytes;
}

// The search below believes that UIDs ascend. Where they do not, a message that is there is not found, and must not be
// taken for one that somebody else has removed.
base::Result<void> IndexWriter::check_order() {
  if (is_order_checked_) return {};
  const auto reader = IndexReader::open(fd_, what_);
  if (!reader) return tl::unexpected(reader.error());
  auto checked = reader->for_each([](const IndexRecord&) { return base::Result<void>(); });
  if (checked) is_order_checked_ = true;
  return checked;
}

// UIDs ascend. Deletions often are neighbours, so the search begins where the last one ended, with growing steps.
base::Result<IndexWriter::Found> IndexWriter::find(std::uint32_t uid) {
  const auto uid_of = [](std::span<const unsigned char> bytes) { return base::load_be32(bytes, 0); };
  std::uint32_t low = next_;  // all records before it have a smaller UID
  std::uint32_t high = header_.num_records;
  std::uint32_t step = 1;
  for (std::uint64_t probe = low; probe < high; probe = std::uint64_t{low} + step - 1) {
    const auto at = static_cast<std::uint32_t>(probe);
    const auto bytes = record(at);
    if (!bytes) return tl::unexpected(bytes.error());
    if (uid_of(*bytes) >= uid) {
      high = at;
      break;
    }
    low = at + 1;
    step = step < header_.num_records ? step * 2 : step;
  }
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const auto bytes = record(middle);
    if (!bytes) return tl::unexpected(bytes.error());
    if (uid_of(*bytes) >= uid) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  next_ = low;
  if (low < header_.num_records) {
    const auto bytes = record(low);
    if (!bytes) return tl::unexpected(bytes.error());
    if (uid_of(*bytes) == uid) return Found{low, *bytes};
  }
  if (const auto checked = check_order(); !checked) return tl::unexpected(checked.error());
  return Found{};
}

base::Result<std::span<const unsigned char>> IndexWriter::last() {
  if (header_.num_records == 0) return std::span<const unsigned char>();
  return record(header_.num_records - 1);
}

base::Result<void> IndexWriter::write_next(std::span<const unsigned char> records) {
  CHECK(!records.empty() && records.size() % header_.record_size == 0);
  struct stat status = {};
  if (::fstat(fd_, &status) != 0) return base::fail_system(what_, errno);
  size_before_next_ = static_cast<std::uint64_t>(status.st_size);
  if (auto written = base::write_exactly(fd_, records, header_.end_of_records(), what_); !written) return written;
  base::begin_sync(fd_);
  return {};
}

void IndexWriter::add_sync(base::StepsApart& steps) const { steps.sync_data(fd_, what_); }

void IndexWriter::add_header(base::StepsApart& steps, std::span<const unsigned char> new_header) const {
  CHECK(new_header.size() == header_bytes_.size());
  steps.write(fd_, new_header, 0, what_);
  steps.sync_data(fd_, what_);
}

bool IndexWriter::take_back_next() {
  if (size_before_next_ == 0) return true;
  std::vector<unsigned char> now(header_bytes_.size());
  if (!base::read_exactly(fd_, now, 0, what_) || now != header_bytes_) return false;
  return ::ftruncate(fd_, static_cast<off_t>(size_before_next_)) == 0;
}

base::Result<void> IndexWriter::commit(RecordEdits& edits, std::span<const unsigned char> new_header,
                                       Durability durability) {
  CHECK(new_header.size() == header_bytes_.size());
  const std::size_t size = header_.record_size;
  const auto offset_of = [&](std::uint32_t number) { return header_.start_offset + std::uint64_t{number} * size; };
  if (edits.size() == 0)
    return write({Piece{0, header_bytes_, new_header}}, 0, durability == Durability::before_return);

  const std::uint64_t end = offset_of(edits.number(edits.size() - 1)) + size;
  if (end <= kOneWrite) {
    std::vector<unsigned char> before(end);
    if (const auto read = base::read_exactly(fd_, before, 0, what_); !read) return read;
    std::vector<unsigned char> after = before;
    std::ranges::copy(new_header, after.begin());
    for (std::size_t i = 0; i < edits.size(); ++i) {
      const auto at = static_cast<std::ptrdiff_t>(offset_of(edits.number(i)));
      std::ranges::copy(edits.after(i), after.begin() + at);
    }
    return write({Piece{0, before, after}}, 0, true);
  }

  const std::vector<Piece> pieces = pieces_of(edits, new_header);
  return write(pieces, pieces.size() - 1, true);
}

base::Result<void> IndexWriter::put_back(RecordEdits& edits) {
  const std::vector<Piece> pieces = pieces_of(edits, header_bytes_);
  return write_back(pieces, pieces.size());
}

// Neighbouring records together, then the header.
std::vector<IndexWriter::Piece> IndexWriter::pieces_of(RecordEdits& edits,
                                                       std::span<const unsigned char> new_header) const {
  const std::size_t size = header_.record_size;
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < edits.size();) {
    std::size_t count = 1;
    while (i + count < edits.size() && edits.number(i + count) == edits.number(i) + count) ++count;
    const std::span before = std::span<const unsigned char>(edits.before_).subspan(i * size, count * size);
    const std::uint64_t offset = header_.start_offset + std::uint64_t{edits.number(i)} * size;
    pieces.push_back(Piece{offset, before, edits.after(i, count)});
    i += count;
  }
  pieces.push_back(Piece{0, header_bytes_, new_header});
  return pieces;
}

// The first `records` pieces, a sync if there are any, the others, a sync. `begun` counts the pieces that may be
// changed on disk.
base::Result<void> IndexWriter::write_and_sync(const std::vector<Piece>& pieces, std::size_t records, bool durable,
                                               std::size_t& begun) {
  for (const Piece& piece : pieces) {
    if (begun == records && records != 0) {
      if (auto synced = base::sync_data(fd_, what_); !synced) return synced;
    }
    ++begun;
    if (auto written = base::write_exactly(fd_, piece.after, piece.offset, what_); !written) return written;
  }
  if (!durable) return {};
  return base::sync_file(fd_, what_);
}

base::Result<void> IndexWriter::write(const std::vector<Piece>& pieces, std::size_t records, bool durable) {
  std::size_t begun = 0;
  auto done = write_and_sync(pieces, records, durable, begun);
  if (done) return done;
  base::Error error = std::move(done.error());
  if (!write_back(pieces, begun))
    error.text += "; could not be put back as it was: parts may be changed, run reconstruct";
  return tl::unexpected(std::move(error));
}

// What was not acknowledged must not have happened. Full disks do not stop us: these bytes have their place already.
base::Result<void> IndexWriter::write_back(const std::vector<Piece>& pieces, std::size_t begun) {
  base::Result<void> result;
  while (begun > 0) {
    const Piece& piece = pieces[--begun];
    auto written = base::write_exactly(fd_, piece.before, piece.offset, what_);
    if (!written && result) result = std::move(written);
  }
  auto synced = base::sync_file(fd_, what_);
  if (!synced && result) result = std::move(synced);
  return result;
}

}  // namespace cyrus
