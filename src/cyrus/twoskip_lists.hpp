#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_format.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cyrus {

/// Where a key is in every list of a twoskip file, or would be.
struct TwoskipPlace {
  static constexpr std::size_t kLists = TwoskipRecord::kMaxLevel;

  /// The records passed on the way down, the dummy first. back[i] tells which of them is the last before the key in
  /// list i, next[i] the offset of what follows there (0: nothing; in list 0 never that of a '-').
  std::vector<TwoskipRecord> passed;
  std::array<std::size_t, kLists> back{};
  std::array<std::uint64_t, kLists> next{};
  /// The first record whose key is not smaller; nullopt behind the last one.
  std::optional<TwoskipRecord> at_or_after;
};

/// The linked lists of one state of a twoskip file: that which ends at `end`, whatever lies behind it.
///
/// The header's current_size as `end` gives the last committed state, the end of what was appended gives an unfinished
/// transaction its own. Every record is checked before it is believed, keys must rise along each list, and the number
/// of steps is bounded by the size of the file. Keeps nothing cached.
class TwoskipLists {
 public:
  /// `what` names the file in error texts.
  TwoskipLists(ReadAt read, std::string what, std::uint64_t end)
      : read_(std::move(read)), what_(std::move(what)), end_(end) {}

  std::uint64_t end() const { return end_; }
  void set_end(std::uint64_t end) { end_ = end; }

  /// Any record but a commit. Errors: corrupt; limit; io, as everywhere below.
  base::Result<TwoskipRecord> record_at(std::uint64_t offset) const;
  base::Result<TwoskipRecord> dummy() const { return record_at(TwoskipRecord::kDummyOffset); }

  /// Where `record` leads in `list`, in list 0 perhaps to a '-'. 0: nowhere, or behind the end.
  std::uint64_t next_offset(const TwoskipRecord& record, std::uint8_t list) const;

  /// The next '+' in `list`; nullopt at its end. `steps` counts the records read in one search or walk.
  base::Result<std::optional<TwoskipRecord>> next(const TwoskipRecord& record, std::uint8_t list,
                                                  std::uint64_t& steps) const;

  base::Result<TwoskipPlace> place(std::string_view key) const;

  tl::unexpected<base::Error> refuse(std::uint64_t offset, std::string_view why) const {
    return refuse_twoskip_record(what_, offset, why);
  }

 private:
  ReadAt read_;
  std::string what_;
  std::uint64_t end_;
};

}  // namespace cyrus
