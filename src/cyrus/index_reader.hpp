#pragma once

#include "base/result.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/index_record.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace cyrus {

/// Reads cyrus.index from an open file. The caller holds the index lock for as long as it reads: Cyrus rewrites header
/// and records in place.
///
/// Borrows the descriptor. Reads with pread in large chunks; a file that shrinks meanwhile is an error, not a signal.
class IndexReader {
 public:
  /// Reads and checks the header and that the file has room for num_records. Bytes behind the last record are what a
  /// crashed append leaves; they are ignored. `what` begins error texts ("mailbox user.ann: cyrus.index").
  ///
  /// Blocks on disk. Errors: corrupt; unsupported (version); io.
  static base::Result<IndexReader> open(int fd, std::string what);

  const IndexHeader& header() const { return header_; }

  /// Calls `visit` with every record in file order, expunged ones included, until it fails. Every CRC is checked, and
  /// that the UIDs are above 0 and ascend; one bad record fails the whole pass, because nothing tells what it hid.
  ///
  /// Blocks on disk. Errors: corrupt (the text has the record's number); io; what `visit` returns.
  base::Result<void> for_each(const std::function<base::Result<void>(const IndexRecord&)>& visit) const;

 private:
  IndexReader(int fd, std::string what, const IndexHeader& header) : fd_(fd), what_(std::move(what)), header_(header) {}

  int fd_;
  std::string what_;
  IndexHeader header_;
};

}  // namespace cyrus
