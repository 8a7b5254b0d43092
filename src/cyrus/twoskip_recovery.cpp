#include "cyrus/twoskip_recovery.hpp"

#include "cyrus/twoskip_copy.hpp"
#include "cyrus/twoskip_lists.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

bool possible_end(std::uint64_t end, std::uint64_t file_size) {
  return end >= TwoskipRecord::kFirstOffset && end <= file_size && end % 8 == 0;
}

// Walks list 0 and rewrites the heads that do not agree with it.
class Relinker {
 public:
  Relinker(TwoskipFile& file, std::uint64_t end) : file_(file), lists_(file.reader(), file.what(), end) {}

  // The number of records.
  base::Result<std::uint64_t> run() {
    auto dummy = lists_.dummy();
    if (!dummy) return tl::unexpected(std::move(dummy.error()));
    last_.fill(std::make_shared<Head>(*std::move(dummy)));
    std::string previous;
    std::uint64_t count = 0;
    std::uint64_t steps = 0;
    std::uint64_t offset = lists_.next_offset(last_[0]->record, 0);
    if (auto done = drop_unfinished(*last_[0]); !done) return tl::unexpected(std::move(done.error()));
    while (offset != 0) {
      if (steps++ > lists_.end() / TwoskipRecord::kSmallestSize) return lists_.refuse(offset, "list without an end");
      auto record = lists_.record_at(offset);
      if (!record) return tl::unexpected(std::move(record.error()));
      const std::uint64_t following = lists_.next_offset(*record, 0);
      if (record->type == TwoskipRecord::kDelete) {
        // What it leads to was there before it, and it is never written again.
        if (record->pointers[0] >= offset) return lists_.refuse(offset, "leads forward");
      } else {
        if (record->type != TwoskipRecord::kAdd) return lists_.refuse(offset, "not part of a list");
        if (record->item.key <= previous) return lists_.refuse(offset, "keys out of order");
        previous = record->item.key;
        ++count;
        if (auto done = follow(*std::move(record)); !done) return tl::unexpected(std::move(done.error()));
      }
      offset = following;
    }
    if (auto done = finish(); !done) return tl::unexpected(std::move(done.error()));
    return count;
  }

 private:
  struct Head {
    explicit Head(TwoskipRecord r) : record(std::move(r)) {}
    TwoskipRecord record;
    bool changed = false;

    void point(std::size_t pointer, std::uint64_t to) {
      changed = changed || record.pointers[pointer] != to;
      record.pointers[pointer] = to;
    }
  };

  base::Result<void> drop_unfinished(Head& head) {
    // One of the two pointers may be of an unfinished transaction; the other one is what the last commit left.
    const auto unfinished = [&](std::size_t pointer) { return head.record.pointers[pointer] >= lists_.end(); };
    if (unfinished(0) && unfinished(1)) return lists_.refuse(head.record.offset, "has lost its successor");
    for (const std::size_t pointer : {0U, 1U}) {
      if (unfinished(pointer)) head.point(pointer, 0);
    }
    return {};
  }

  base::Result<void> follow(TwoskipRecord record) {
    const std::uint64_t offset = record.offset;
    const std::size_t level = record.level;
    const auto head = std::make_shared<Head>(std::move(record));
    if (auto done = drop_unfinished(*head); !done) return done;
    for (std::size_t list = 0; list < level; ++list) {
      const auto before = std::exchange(last_[list], head);
      if (list > 0) before->point(list + 1, offset);
      // Nothing can follow it any more in a lower list: those were this record's already.
      if (before->record.level == list + 1) {
        if (auto done = write(*before); !done) return done;
      }
    }
    return {};
  }

  base::Result<void> finish() {
    for (std::size_t list = 0; list < last_.size(); ++list) {
      if (list > 0) last_[list]->point(list + 1, 0);
      if (last_[list]->record.level == list + 1) {
        if (auto done = write(*last_[list]); !done) return done;
      }
    }
    return {};
  }

  base::Result<void> write(const Head& head) {
    if (!head.changed) return {};
    return file_.write(encode_twoskip_head(head.record), head.record.offset);
  }

  TwoskipFile& file_;
  TwoskipLists lists_;
  std::array<std::shared_ptr<Head>, TwoskipRecord::kMaxLevel> last_;  // of each list
};

// Reads transactions in the order in which they were committed.
//
// A value can look like a record, even like a whole transaction, and come from anybody who can send mail. So the scan
// never searches for something that looks right: behind a broken record it goes on only where the chain of commits,
// followed back from the committed end, says that a transaction began.
class Replay {
 public:
  Replay(const TwoskipFile& file, const TwoskipHeader& header) : read_(file.reader()), what_(file.what()) {
    const bool trusted = possible_end(header.current_size, file.size());
    end_ = trusted ? header.current_size : file.size() / 8 * 8;
    if (trusted) find_transactions();
  }

  // Key and offset of each record that the whole transactions leave.
  base::Result<std::map<std::string, std::uint64_t>> run() {
    std::uint64_t begin = TwoskipRecord::kFirstOffset;
    while (begin < end_) {
      auto next = replay(begin);
      if (next) {
        begin = *next;
        continue;
      }
      if (next.error().code != Errc::corrupt) return tl::unexpected(std::move(next.error()));
      undo();
      const auto start = starts_.upper_bound(begin);
      if (start == starts_.end()) break;
      begin = *start;
    }
    return std::move(live_);
  }

 private:
  base::Result<TwoskipRecord> record_at(std::uint64_t offset) const {
    auto record = read_twoskip_record(read_, offset, end_, what_);
    // One that is too large for us is one that we cannot carry over.
    if (!record && record.error().code == Errc::limit) record.error().code = Errc::corrupt;
    return record;
  }

  void find_transactions() {
    constexpr std::uint64_t kCommitSize = TwoskipRecord::kSmallestSize;
    std::uint64_t at = end_;
    while (at >= TwoskipRecord::kFirstOffset + kCommitSize) {
      const auto commit = record_at(at - kCommitSize);
      if (!commit || commit->type != TwoskipRecord::kCommit) return;
      const std::uint64_t begin = commit->pointers[0];
      if (begin < TwoskipRecord::kFirstOffset || begin > at - kCommitSize || begin % 8 != 0) return;
      starts_.insert(begin);
      at = begin;
    }
  }

  // One transaction; returns where it ends.
  base::Result<std::uint64_t> replay(std::uint64_t begin) {
    undo_.clear();
    std::uint64_t offset = begin;
    for (;;) {
      const auto filler = at_filler(offset);
      if (!filler) return tl::unexpected(filler.error());
      if (*filler) {
        offset += kTwoskipFiller.size();
        continue;
      }
      auto record = record_at(offset);
      if (!record) return tl::unexpected(std::move(record.error()));
      offset += record->size();
      if (record->type == TwoskipRecord::kCommit) {
        if (record->pointers[0] != begin)
          return refuse_twoskip_record(what_, record->offset, "ends another transaction");
        return offset;
      }
      if (record->type == TwoskipRecord::kDelete) {
        auto key = removed_by(*record);
        if (!key) return tl::unexpected(std::move(key.error()));
        if (*key) change(**std::move(key), std::nullopt);
      } else {
        change(std::move(record->item.key), record->offset);
      }
    }
  }

  base::Result<bool> at_filler(std::uint64_t offset) const {
    std::array<unsigned char, kTwoskipFiller.size()> bytes{};
    const auto got = read_(bytes, offset);
    if (!got) return tl::unexpected(got.error());
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), *got) == kTwoskipFiller;
  }

  // A '-' does not name its key, only the record that followed it. The key before that one is the one, if its record
  // says the same; a dropped transaction can have put another there, and that must not be removed.
  base::Result<std::optional<std::string>> removed_by(const TwoskipRecord& removal) const {
    const auto after = through_removals(removal.pointers[0]);
    if (!after) return tl::unexpected(after.error());
    auto candidate = live_.end();
    if (*after != 0) {
      const auto following = record_at(*after);
      if (!following) return tl::unexpected(following.error());
      candidate = live_.lower_bound(following->item.key);
    }
    if (candidate == live_.begin()) return std::optional<std::string>();
    candidate = std::prev(candidate);
    const auto record = record_at(candidate->second);
    if (!record) return tl::unexpected(record.error());
    const auto before_removal = [&](std::uint64_t pointer) { return pointer < removal.offset; };
    if (!before_removal(record->pointers[0]) && !before_removal(record->pointers[1])) {
      return std::optional<std::string>();
    }
    std::uint64_t next = 0;
    for (const std::size_t i : {0U, 1U}) {
      if (before_removal(record->pointers[i])) next = std::max(next, record->pointers[i]);
    }
    const auto followed = through_removals(next);
    if (!followed) return tl::unexpected(followed.error());
    if (*followed != *after) return std::optional<std::string>();
    return std::optional(candidate->first);
  }

  // The '+' that `offset` leads to; 0: none.
  base::Result<std::uint64_t> through_removals(std::uint64_t offset) const {
    while (offset != 0) {
      const auto record = record_at(offset);
      if (!record) return tl::unexpected(record.error());
      if (record->type == TwoskipRecord::kAdd) break;
      // A removal leads back in the file, so this ends.
      if (record->type != TwoskipRecord::kDelete || record->pointers[0] >= offset) {
        return refuse_twoskip_record(what_, offset, "not part of a list");
      }
      offset = record->pointers[0];
    }
    return offset;
  }

  void change(std::string key, std::optional<std::uint64_t> to) {
    const auto found = live_.find(key);
    undo_.emplace_back(key, found == live_.end() ? std::nullopt : std::optional(found->second));
    set(std::move(key), to);
  }

  void set(std::string key, std::optional<std::uint64_t> to) {
    if (to) {
      live_.insert_or_assign(std::move(key), *to);
    } else {
      live_.erase(key);
    }
  }

  void undo() {
    for (; !undo_.empty(); undo_.pop_back()) set(std::move(undo_.back().first), undo_.back().second);
  }

  ReadAt read_;
  std::string what_;
  std::uint64_t end_ = 0;
  std::set<std::uint64_t> starts_;  // of transactions, as far as the chain of commits is whole
  std::map<std::string, std::uint64_t> live_;
  std::vector<std::pair<std::string, std::optional<std::uint64_t>>> undo_;  // what the current transaction changed
};

}  // namespace

base::Result<TwoskipHeader> relink_twoskip(TwoskipFile& file, TwoskipHeader header) {
  if (!possible_end(header.current_size, file.size())) {
    return base::fail(Errc::corrupt, file.what() + ": current size " + std::to_string(header.current_size) +
                                         " of a file of " + std::to_string(file.size()));
  }
  const auto count = Relinker(file, header.current_size).run();
  if (!count) return tl::unexpected(count.error());
  // The pointers first: a file that was merely too long looks clean as soon as it is cut.
  if (auto done = file.sync_data(); !done) return tl::unexpected(std::move(done.error()));
  if (file.size() > header.current_size) {
    if (auto done = file.truncate(header.current_size); !done) return tl::unexpected(std::move(done.error()));
    if (auto done = file.sync(); !done) return tl::unexpected(std::move(done.error()));
  }
  header.record_count = *count;
  header.flags &= ~std::uint32_t{1};
  if (auto done = file.write(encode_twoskip_header(header), 0); !done) return tl::unexpected(std::move(done.error()));
  if (auto done = file.sync_data(); !done) return tl::unexpected(std::move(done.error()));
  return header;
}

base::Result<TwoskipHeader> rebuild_twoskip(TwoskipFile& file, const TwoskipHeader& header, std::minstd_rand& random,
                                            bool& replaced) {
  replaced = false;
  const auto live = Replay(file, header).run();
  if (!live) return tl::unexpected(live.error());
  const ReadAt read = file.reader();
  const TwoskipSource source = [&](const std::function<bool(TwoskipItem &&)>& visit) -> base::Result<void> {
    for (const auto& [key, offset] : *live) {
      auto record = read_twoskip_record(read, offset, file.size() / 8 * 8, file.what());
      if (!record) return tl::unexpected(std::move(record.error()));
      if (!visit(std::move(record->item))) return {};
    }
    return {};
  };
  return replace_twoskip(file, header.generation + 1, source, random, replaced);
}

}  // namespace cyrus
