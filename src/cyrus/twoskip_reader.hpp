#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_format.hpp"
#include "cyrus/twoskip_lists.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cyrus {

/// Reads one committed state of a twoskip database: that of the moment it was opened at.
///
/// The caller holds the shared lock of the file from open() until the last call. A file that a crashed writer left
/// unclean is read up to the last committed transaction. Every record is checked (both CRCs, all pointers, the order of
/// keys) before it is believed, and the number of steps is bounded by the size of the file. Keeps nothing cached.
class TwoskipReader {
 public:
  /// Records with more than this many bytes of key and value are refused (Errc::limit).
  static constexpr std::uint64_t kMaxRecordBytes = TwoskipRecord::kMaxBytes;

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
  TwoskipReader(TwoskipLists lists, TwoskipHeader header, bool clean, std::string what)
      : lists_(std::move(lists)), header_(header), clean_(clean), what_(std::move(what)) {}

  TwoskipLists lists_;
  TwoskipHeader header_;
  bool clean_ = false;
  std::string what_;
};

}  // namespace cyrus
