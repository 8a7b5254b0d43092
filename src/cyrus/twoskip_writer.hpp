#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_format.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cyrus {

/// What to do with a file that cannot be recovered in place.
enum class TwoskipDamage {
  refuse,   ///< Errc::corrupt: leave it to the administrator.
  rebuild,  ///< Replay the whole transactions into a new file, as Cyrus would: older values can come back.
  clear,    ///< Begin anew with nothing. For caches, where nothing is better than something old.
};

/// How TwoskipWriter::open() goes about a file.
struct TwoskipOpening {
  /// Make an empty database when there is none.
  bool create = false;
  TwoskipDamage damage = TwoskipDamage::refuse;
  /// Must outlive the writer.
  TwoskipDisk* disk = &TwoskipDisk::plain();
};

/// What open() had to do before a file could be written.
enum class TwoskipRepair { none, relinked, rebuilt, cleared };

/// Changes a twoskip database beside Cyrus processes, one transaction after the other (doc/format/twoskip.md).
///
/// Holds the exclusive lock of the file as long as it lives: be quick, nobody else can even read. The first change
/// begins a transaction; commit() makes it durable as a whole, abort() and the destructor take it back. A crash at any
/// moment leaves a file that the next writer, ours or Cyrus's, brings back to the last commit.
///
/// After a call failed with io, and after a failed commit(), every further change is refused: destroy the writer. Keys
/// are ordered as octets; a mailboxes.db under improved_mboxlist_sort is not and must not be opened with this. Blocks
/// on disk, never on locks: worker pool only. Not for use by two threads at a time.
class TwoskipWriter {
 public:
  /// Opens, locks and checks; a file that a crash left unclean is recovered first. A file of 0 octets is an empty
  /// database that nobody has begun to fill.
  ///
  /// Errors: not_found; busy (somebody has it locked: nothing was changed); unsupported (no twoskip database, or a
  /// newer version); corrupt (also: unclean and beyond repair); limit; permission; io.
  static base::Result<TwoskipWriter> open(const std::filesystem::path& path, const TwoskipOpening& how = {});

  TwoskipWriter(TwoskipWriter&&) noexcept;
  TwoskipWriter& operator=(TwoskipWriter&&) noexcept;
  ~TwoskipWriter();

  /// As of the last commit.
  const TwoskipHeader& header() const;
  TwoskipRepair repaired() const;

  /// The value of a key, the changes of the open transaction included. Errors: not_found; corrupt; limit; io.
  base::Result<std::string> find(std::string_view key) const;

  /// The first item whose key is not below `key`, with the changes of the open transaction; nullopt behind the last
  /// one. Errors: corrupt; limit; io.
  base::Result<std::optional<TwoskipItem>> first_from(std::string_view key) const;

  /// Inserts or replaces. A value that is there already is not written again. Errors: invalid (an empty key); limit
  /// (key and value exceed TwoskipRecord::kMaxBytes); corrupt; io.
  base::Result<void> store(std::string_view key, std::string_view value);

  /// False: there is no such key. Errors: corrupt; limit; io.
  base::Result<bool> erase(std::string_view key);

  /// Makes the changes since the last commit durable; writes nothing if there are none. Then rewrites a file that has
  /// grown to more than twice what it was after its last rewriting, and 16834 octets; that this failed is not told,
  /// for the changes are safe without it.
  ///
  /// After an error the database is as it was before the transaction or, if only the very last step failed, possibly as
  /// after it. Errors: io.
  base::Result<void> commit();

  /// Takes the open transaction back. Errors: corrupt; io; then the next opener does it.
  base::Result<void> abort();

  /// Rewrites the file without what was replaced and removed. Not within a transaction (Errc::invalid). Errors:
  /// corrupt; limit; permission; io.
  base::Result<void> repack();

  /// Replaces the file by one without items, at once and durably. Not within a transaction (Errc::invalid). The way out
  /// for a cache with a record that cannot be read. Errors: permission; io.
  base::Result<void> clear();

 private:
  class Impl;
  explicit TwoskipWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cyrus
