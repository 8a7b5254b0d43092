#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// Bytes of a file: up to `into.size()` from `offset` on, fewer only at the end of the file.
using ReadAt = std::function<base::Result<std::size_t>(std::span<unsigned char> into, std::uint64_t offset)>;

/// The first 64 bytes of a twoskip file (doc/format/twoskip.md).
struct TwoskipHeader {
  static constexpr std::size_t kSize = 64;

  std::uint32_t version = 0;
  std::uint64_t generation = 0;
  std::uint64_t record_count = 0;
  std::uint64_t repack_size = 0;
  std::uint64_t current_size = 0;
  std::uint32_t flags = 0;

  bool dirty() const { return (flags & 1) != 0; }
};

/// True when a file that begins with `bytes` (16 at least) is a twoskip file.
bool is_twoskip(std::string_view bytes);

/// Checks magic, version and CRC. Errors: corrupt; unsupported (a newer version).
base::Result<TwoskipHeader> parse_twoskip_header(std::span<const unsigned char, TwoskipHeader::kSize> bytes);

/// A key and its value.
struct TwoskipItem {
  std::string key;
  std::string value;
};

/// Reads one committed state of a twoskip database: that of the moment it was opened at.
///
/// The caller holds the shared lock of the file from open() until the last call. A file that a crashed writer left
/// unclean is read up to the last committed transaction. Every record is checked (both CRCs, all pointers, the order of
/// keys) before it is believed, and the number of steps is bounded by the size of the file. Keeps nothing cached.
class TwoskipReader {
 public:
  /// Records with more than this many bytes of key and value are refused (Errc::limit).
  static constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{16} << 20;

  /// `file_size` is the size by fstat(2) under the lock; `what` names the file in error texts.
  /// Errors: corrupt; unsupported; io and whatever else `read` returns.
  static base::Result<TwoskipReader> open(ReadAt read, std::uint64_t file_size, std::string what);

  const TwoskipHeader& header() const { return header_; }
  /// False after a crash of a writer: such a file may be read, but must not be written.
  bool clean() const { return clean_; }

  /// The value of a key, by descending the skip list. Errors: not_found; corrupt; limit; io.
  base::Result<std::string> find(std::string_view key) const;

  /// The first item whose key is not below `key`; nullopt behind the last one. Errors: corrupt; limit; io.
  base::Result<std::optional<TwoskipItem>> first_from(std::string_view key) const;

  /// Calls `visit` for each item in the order of the file until it returns false. With `any_order` the order of keys is
  /// not checked: mailboxes.db can be sorted in another way (improved_mboxlist_sort). Errors: corrupt; limit; io.
  base::Result<void> walk(const std::function<bool(TwoskipItem&&)>& visit, bool any_order = false) const;

 private:
  static constexpr std::uint8_t kMaxLevel = 31;

  struct Record {
    std::uint64_t offset = 0;
    char type = 0;
    std::uint8_t level = 0;
    std::array<std::uint64_t, kMaxLevel + 1> pointers{};
    TwoskipItem item;
  };

  TwoskipReader(ReadAt read, std::string what) : read_(std::move(read)), what_(std::move(what)) {}

  tl::unexpected<base::Error> refuse(std::uint64_t offset, std::string_view why) const;
  base::Result<void> read_exactly(std::span<unsigned char> into, std::uint64_t offset) const;
  base::Result<Record> record_at(std::uint64_t offset) const;
  std::uint64_t next_offset(const Record& record, std::uint8_t list) const;
  base::Result<std::optional<Record>> next(const Record& record, std::uint8_t list, std::uint64_t& steps) const;
  base::Result<std::optional<Record>> lower_bound(std::string_view key) const;

  ReadAt read_;
  std::string what_;
  TwoskipHeader header_;
  bool clean_ = false;
  std::uint64_t end_ = 0;
};

}  // namespace cyrus
