#pragma once

#include "base/result.hpp"
#include "base/steps_apart.hpp"
#include "cyrus/index_header.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// Some records of cyrus.index, in the order of the file, as they are on disk and as they shall be.
class RecordEdits {
 public:
  explicit RecordEdits(std::uint32_t record_size) : record_size_(record_size) {}

  /// `number` counts from 0 and must be above that of the record before (CHECK).
  void add(std::uint32_t number, std::span<const unsigned char> bytes);

  std::size_t size() const { return numbers_.size(); }
  std::uint32_t number(std::size_t i) const { return numbers_[i]; }
  std::span<const unsigned char> before(std::size_t i) const {
    return std::span(before_).subspan(i * record_size_, record_size_);
  }
  /// Equal to before() until it is changed. Neighbours in the file are neighbours here: span of `count` records.
  std::span<unsigned char> after(std::size_t i, std::size_t count = 1) {
    return std::span(after_).subspan(i * record_size_, count * record_size_);
  }

 private:
  friend class IndexWriter;
  std::uint32_t record_size_;
  std::vector<std::uint32_t> numbers_;
  std::vector<unsigned char> before_;
  std::vector<unsigned char> after_;
};

/// cyrus.index, open for changes in place. The caller holds the exclusive index lock as long as this lives.
///
/// Borrows the descriptor. Reads with pread; every record that is looked at is checked.
class IndexWriter {
 public:
  /// Reads and checks the header, as IndexReader::open() does. Blocks on disk. Errors: corrupt; unsupported; io.
  static base::Result<IndexWriter> open(int fd, std::string what);

  const IndexHeader& header() const { return header_; }
  std::span<const unsigned char> header_bytes() const { return header_bytes_; }

  /// What find() says: the record, whose bytes are valid until the next call. Empty bytes: there is no such UID.
  struct Found {
    std::uint32_t number = 0;
    std::span<const unsigned char> bytes;
  };

  /// Finds a record by UID, from that of the last call on: ask in ascending order. Never by an old record number,
  /// because the file may have been repacked. Before it says that there is no such UID, it has read the whole file once
  /// and seen that it is in order. Blocks on disk. Errors: corrupt; io.
  base::Result<Found> find(std::uint32_t uid);

  /// The last record, or empty bytes; valid until the next call. Blocks on disk. Errors: corrupt; io.
  base::Result<std::span<const unsigned char>> last();

  /// Writes records behind the last one. They are garbage that nobody reads until a header counts them: that write is
  /// the moment at which messages join the mailbox, and a sync comes before it. Blocks on disk. Errors: io.
  base::Result<void> write_next(std::span<const unsigned char> records);

  /// Adds to `steps`: making durable what write_next() wrote; then writing a new header of the same length, which must
  /// live as long, durably. Should they fail, put_back() must follow.
  void add_sync(base::StepsApart& steps) const;
  void add_header(base::StepsApart& steps, std::span<const unsigned char> new_header) const;

  /// Gives back the room that write_next() took, unless the header is another than it was, and may count it. False: it
  /// stays, as garbage.
  bool take_back_next();

  /// How a header without records reaches the disk.
  enum class Durability { at_leisure, before_return };

  /// Writes `edits` and a new header of the same length. A change that lies in the first 64 KiB is one write; a larger
  /// one is all records first, made durable, then the header. Success means that everything is on disk, unless
  /// `durability` says otherwise and there are no edits.
  ///
  /// After a failure the bytes from before are written back; the text says so when that failed too. Blocks on disk.
  /// Errors: io.
  base::Result<void> commit(RecordEdits& edits, std::span<const unsigned char> new_header, Durability durability);

  /// Writes the bytes from before back, whatever of `edits` and the header was written by steps that failed, or by
  /// another process that had a copy of this object and died in commit(). Blocks on disk. Errors: io.
  base::Result<void> put_back(RecordEdits& edits);

 private:
  struct Piece {
    std::uint64_t offset = 0;
    std::span<const unsigned char> before;
    std::span<const unsigned char> after;
  };

  IndexWriter(int fd, std::string what) : fd_(fd), what_(std::move(what)) {}
  base::Result<std::span<const unsigned char>> record(std::uint32_t number);
  base::Result<void> check_order();
  std::vector<Piece> pieces_of(RecordEdits& edits, std::span<const unsigned char> new_header) const;
  base::Result<void> write_and_sync(const std::vector<Piece>& pieces, std::size_t records, bool durable,
                                    std::size_t& begun);
  base::Result<void> write(const std::vector<Piece>& pieces, std::size_t records, bool durable);
  base::Result<void> write_back(const std::vector<Piece>& pieces, std::size_t begun);

  int fd_;
  std::string what_;
  IndexHeader header_;
  std::vector<unsigned char> header_bytes_;
  std::uint64_t size_before_next_ = 0;  // of the file; 0: write_next() was not called
  bool is_order_checked_ = false;
  std::uint32_t next_ = 0;         // find() goes on here
  std::uint32_t chunk_first_ = 0;  // the record with which chunk_ begins
  std::vector<unsigned char> chunk_;
};

}  // namespace cyrus
