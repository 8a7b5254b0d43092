// The order of writes is what makes a crash harmless. First DIRTY, synced: from then on whoever finds the file recovers
// it. Then records behind the committed end, and heads of older records, in any order, unsynced: recovery goes by the
// one pointer of list 0 in each head that is left alone. Then the commit record, and all of it synced. Last the header,
// which makes the transaction true with one write of 64 octets, synced.

#include "cyrus/twoskip_writer.hpp"

#include "cyrus/twoskip_copy.hpp"
#include "cyrus/twoskip_lists.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "cyrus/twoskip_recovery.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

// Smaller files are not worth rewriting. The number is Cyrus's.
constexpr std::uint64_t kMinRepackSize = 16834;

TwoskipHeader empty_header() {
  TwoskipHeader header;
  header.repack_size = TwoskipRecord::kFirstOffset;
  header.current_size = TwoskipRecord::kFirstOffset;
  return header;
}

base::Result<TwoskipHeader> read_header(const TwoskipFile& file) {
  const ReadAt read = file.reader();
  const auto kind = database_kind(read);
  if (!kind) return tl::unexpected(kind.error());
  if (*kind != DatabaseKind::twoskip) return base::fail(Errc::unsupported, file.what() + ": not a twoskip database");
  std::array<unsigned char, TwoskipHeader::kSize> bytes{};
  const auto got = read(bytes, 0);
  if (!got) return tl::unexpected(got.error());
  if (*got != bytes.size()) return base::fail(Errc::corrupt, file.what() + ": ends within its header");
  auto header = parse_twoskip_header(bytes);
  if (!header) return base::fail(header.error().code, file.what() + ": " + header.error().text);
  return header;
}

}  // namespace

class TwoskipWriter::Impl {
 public:
  explicit Impl(TwoskipFile file) : file_(std::move(file)), lists_(file_.reader(), file_.what(), 0) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  // If it cannot be taken back now, the next opener does it: the file is DIRTY.
  ~Impl() { static_cast<void>(abort()); }

  base::Result<void> prepare(TwoskipDamage damage) {
    if (file_.size() == 0) {
      // Not in place: half a database would be a broken one.
      return replace(empty_header().generation, nothing());
    }
    auto done = read_and_recover(damage);
    if (done || damage != TwoskipDamage::clear || done.error().code != Errc::corrupt) return done;
    repaired_ = TwoskipRepair::cleared;
    return clear();
  }

  base::Result<std::string> find(std::string_view key) const {
    auto place = lists_.place(key);
    if (!place) return tl::unexpected(std::move(place.error()));
    auto& found = place->at_or_after;
    if (!found || found->item.key != key) return base::fail(Errc::not_found, file_.what() + ": no such key");
    return std::move(found->item.value);
  }

  base::Result<std::optional<TwoskipItem>> first_from(std::string_view key) const {
    auto place = lists_.place(key);
    if (!place) return tl::unexpected(std::move(place.error()));
    if (!place->at_or_after) return std::optional<TwoskipItem>();
    return std::optional(std::move(place->at_or_after->item));
  }

  base::Result<void> store(std::string_view key, std::string_view value) {
    if (key.empty()) return base::fail(Errc::invalid, file_.what() + ": an empty key");
    if (key.size() > TwoskipRecord::kMaxBytes || value.size() > TwoskipRecord::kMaxBytes - key.size()) {
      return base::fail(Errc::limit, file_.what() + ": a record of more than " +
                                         std::to_string(TwoskipRecord::kMaxBytes) + " octets");
    }
    auto place = lists_.place(key);
    if (!place) return tl::unexpected(std::move(place.error()));
    const bool exists = place->at_or_after && place->at_or_after->item.key == key;
    if (exists && place->at_or_after->item.value == value) return {};
    if (auto done = begin(); !done) return done;

    const auto old_level = exists ? unlink(*place) : base::Result<std::size_t>(0);
    if (!old_level) return tl::unexpected(old_level.error());
    auto record = TwoskipRecord::make(TwoskipRecord::kAdd, random_twoskip_level(random_),
                                      TwoskipItem{std::string(key), std::string(value)});
    const std::size_t level = record.level;
    for (std::size_t list = 0; list < level; ++list) record.pointers[list + 1] = place->next[list];
    const auto offset = append(std::move(record));
    if (!offset) return tl::unexpected(offset.error());
    std::fill_n(place->next.begin(), level, *offset);
    if (auto done = point_back(*place, std::max(level, *old_level)); !done) return done;
    if (!exists) ++count_;
    return {};
  }

  base::Result<bool> erase(std::string_view key) {
    auto place = lists_.place(key);
    if (!place) return tl::unexpected(std::move(place.error()));
    if (!place->at_or_after || place->at_or_after->item.key != key) return false;
    if (auto done = begin(); !done) return tl::unexpected(std::move(done.error()));

    const auto old_level = unlink(*place);
    if (!old_level) return tl::unexpected(old_level.error());
    auto record = TwoskipRecord::make(TwoskipRecord::kDelete, 0, {});
    record.pointers[0] = place->next[0];
    const auto offset = append(std::move(record));
    if (!offset) return tl::unexpected(offset.error());
    place->next[0] = *offset;
    if (auto done = point_back(*place, *old_level); !done) return tl::unexpected(std::move(done.error()));
    --count_;
    return true;
  }

  base::Result<void> commit() {
    if (auto usable = check_usable(); !usable) return usable;
    if (!in_transaction_) return {};
    auto record = TwoskipRecord::make(TwoskipRecord::kCommit, 0, {});
    record.pointers[0] = header_.current_size;
    if (const auto offset = append(std::move(record)); !offset) return tl::unexpected(offset.error());
    if (auto done = checked(file_.sync()); !done) return done;

    TwoskipHeader next = header_;
    next.current_size = lists_.end();
    next.record_count = count_;
    // From here on it is not known which header the disk has after an error, so abort() must not touch the records.
    in_transaction_ = false;
    if (auto done = checked(file_.write(encode_twoskip_header(next), 0)); !done) return done;
    if (auto done = checked(file_.sync_data()); !done) return done;
    header_ = next;
    settle();
    // What was committed is durable, whatever becomes of this.
    if (header_.current_size > kMinRepackSize && header_.current_size / 2 > header_.repack_size) {
      static_cast<void>(repack());
    }
    return {};
  }

  base::Result<void> abort() {
    if (!in_transaction_) return {};
    in_transaction_ = false;
    auto header = relink_twoskip(file_, header_);
    if (!header) {
      broken_ = true;
      return tl::unexpected(std::move(header.error()));
    }
    header_ = *header;
    settle();
    return {};
  }

  base::Result<void> repack() {
    if (auto usable = check_usable(); !usable) return usable;
    if (in_transaction_) return base::fail(Errc::invalid, file_.what() + ": cannot be rewritten within a transaction");
    const auto reader = TwoskipReader::open(file_.reader(), file_.size(), file_.what());
    if (!reader) return tl::unexpected(reader.error());
    const TwoskipSource items = [&](const auto& visit) { return reader->walk(visit); };
    return replace(header_.generation + 1, items);
  }

  base::Result<void> clear() {
    if (auto usable = check_usable(); !usable) return usable;
    if (in_transaction_) return base::fail(Errc::invalid, file_.what() + ": cannot be cleared within a transaction");
    return replace(header_.generation + 1, nothing());
  }

  const TwoskipHeader& header() const { return header_; }
  TwoskipRepair repaired() const { return repaired_; }

 private:
  static TwoskipSource nothing() {
    return [](const auto&) { return base::Result<void>(); };
  }

  base::Result<void> read_and_recover(TwoskipDamage damage) {
    auto header = read_header(file_);
    if (!header) return tl::unexpected(std::move(header.error()));
    header_ = *header;
    if (header_.dirty() || header_.current_size != file_.size()) {
      if (auto done = recover(damage); !done) return done;
    }
    settle();
    if (header_.current_size % 8 != 0) return base::fail(Errc::corrupt, file_.what() + ": ends off the grid of 8");
    if (const auto dummy = lists_.dummy(); !dummy) return tl::unexpected(dummy.error());
    return {};
  }

  base::Result<void> recover(TwoskipDamage damage) {
    auto header = relink_twoskip(file_, header_);
    if (header) {
      header_ = *header;
      repaired_ = TwoskipRepair::relinked;
      return {};
    }
    if (damage != TwoskipDamage::rebuild || header.error().code != Errc::corrupt) {
      return tl::unexpected(std::move(header.error()));
    }
    bool replaced = false;
    header = rebuild_twoskip(file_, header_, random_, replaced);
    if (!header) return tl::unexpected(std::move(header.error()));
    header_ = *header;
    repaired_ = TwoskipRepair::rebuilt;
    return {};
  }

  base::Result<void> replace(std::uint64_t generation, const TwoskipSource& items) {
    bool replaced = false;
    auto header = replace_twoskip(file_, generation, items, random_, replaced);
    if (!header) {
      // The new file has the name, but a crash may give it back to the old one: nothing more must go into either.
      broken_ = broken_ || replaced;
      return tl::unexpected(std::move(header.error()));
    }
    header_ = *header;
    settle();
    return {};
  }

  // What the header says is the state to go on from.
  void settle() {
    lists_ = TwoskipLists(file_.reader(), file_.what(), header_.current_size);
    count_ = header_.record_count;
  }

  base::Result<void> check_usable() const {
    if (broken_) return base::fail(Errc::io, file_.what() + ": not written after an earlier failure");
    return {};
  }

  base::Result<void> checked(base::Result<void> done) {
    if (!done) broken_ = true;
    return done;
  }

  base::Result<void> begin() {
    if (auto usable = check_usable(); !usable || in_transaction_) return usable;
    TwoskipHeader dirty = header_;
    dirty.flags |= 1;
    if (auto done = checked(file_.write(encode_twoskip_header(dirty), 0)); !done) return done;
    if (auto done = checked(file_.sync_data()); !done) return done;
    in_transaction_ = true;
    return {};
  }

  // Behind all records; returns where.
  base::Result<std::uint64_t> append(TwoskipRecord record) {
    std::vector<unsigned char> bytes;
    for (std::size_t filler = twoskip_filler(lists_.end(), record.head_size()); filler > 0;
         filler -= kTwoskipFiller.size()) {
      bytes.insert(bytes.end(), kTwoskipFiller.begin(), kTwoskipFiller.end());
    }
    const std::uint64_t offset = lists_.end() + bytes.size();
    const auto encoded = encode_twoskip_record(record);
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
    if (auto done = checked(file_.write(bytes, lists_.end())); !done) return tl::unexpected(std::move(done.error()));
    lists_.set_end(lists_.end() + bytes.size());
    return offset;
  }

  // Leads the lists of the found record past it, in `place` only; returns its level.
  base::Result<std::size_t> unlink(TwoskipPlace& place) const {
    const TwoskipRecord& found = *place.at_or_after;
    std::uint64_t steps = 0;
    const auto following = lists_.next(found, 0, steps);
    if (!following) return tl::unexpected(following.error());
    place.next[0] = *following ? (*following)->offset : 0;
    for (std::uint8_t list = 1; list < found.level; ++list) {
      if (place.next[list] == found.offset) place.next[list] = lists_.next_offset(found, list);
    }
    return found.level;
  }

  // Writes `place.next` into the heads of the records before, for the lists below `level`; each head once.
  base::Result<void> point_back(TwoskipPlace& place, std::size_t level) {
    std::set<std::size_t> changed;
    for (std::size_t list = 0; list < level; ++list) {
      TwoskipRecord& record = place.passed[place.back[list]];
      record.pointers[list == 0 ? free_pointer(record) : list + 1] = place.next[list];
      changed.insert(place.back[list]);
    }
    for (const std::size_t index : changed) {
      const TwoskipRecord& record = place.passed[index];
      if (auto done = checked(file_.write(encode_twoskip_head(record), record.offset)); !done) return done;
    }
    return {};
  }

  // Which of the two pointers of list 0 this transaction may overwrite: the other one holds what the last commit left.
  std::size_t free_pointer(const TwoskipRecord& record) const {
    const std::uint64_t committed = header_.current_size;
    if (record.pointers[0] >= committed) return 0;
    if (record.pointers[1] >= committed) return 1;
    return record.pointers[0] < record.pointers[1] ? 0 : 1;
  }

  TwoskipFile file_;
  TwoskipLists lists_;
  TwoskipHeader header_ = empty_header();
  std::uint64_t count_ = 0;
  bool in_transaction_ = false;
  bool broken_ = false;
  TwoskipRepair repaired_ = TwoskipRepair::none;
  // Levels need no secrecy: whoever can fill a database with keys of his choice gains a slow search of it.
  std::minstd_rand random_{std::random_device{}()};
};

TwoskipWriter::TwoskipWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TwoskipWriter::TwoskipWriter(TwoskipWriter&&) noexcept = default;
TwoskipWriter& TwoskipWriter::operator=(TwoskipWriter&&) noexcept = default;
TwoskipWriter::~TwoskipWriter() = default;

base::Result<TwoskipWriter> TwoskipWriter::open(const std::filesystem::path& path, const TwoskipOpening& how) {
  auto file = TwoskipFile::open(path, base::LockMode::exclusive,
                                how.create ? TwoskipFile::Missing::create : TwoskipFile::Missing::fail, *how.disk);
  if (!file) return tl::unexpected(std::move(file.error()));
  auto impl = std::make_unique<Impl>(*std::move(file));
  if (auto ready = impl->prepare(how.damage); !ready) return tl::unexpected(std::move(ready.error()));
  return TwoskipWriter(std::move(impl));
}

const TwoskipHeader& TwoskipWriter::header() const { return impl_->header(); }
TwoskipRepair TwoskipWriter::repaired() const { return impl_->repaired(); }
base::Result<std::string> TwoskipWriter::find(std::string_view key) const { return impl_->find(key); }
base::Result<std::optional<TwoskipItem>> TwoskipWriter::first_from(std::string_view key) const {
  return impl_->first_from(key);
}
base::Result<void> TwoskipWriter::store(std::string_view key, std::string_view value) {
  return impl_->store(key, value);
}
base::Result<bool> TwoskipWriter::erase(std::string_view key) { return impl_->erase(key); }
base::Result<void> TwoskipWriter::commit() { return impl_->commit(); }
base::Result<void> TwoskipWriter::abort() { return impl_->abort(); }
base::Result<void> TwoskipWriter::repack() { return impl_->repack(); }
base::Result<void> TwoskipWriter::clear() { return impl_->clear(); }

}  // namespace cyrus
