// Every pointer leads forward, so the places of all records must be known before the first is written. Therefore two
// passes over the source: sizes and levels first, which cost some 40 octets of memory a record, then the records
// themselves, streamed. What was written is read back and compared by checksum before anybody can see it.

#include "cyrus/twoskip_copy.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::size_t kChunk = std::size_t{256} << 10;

// The items and their order in one number. Lengths are part of it, so that nothing can move from a key to its value.
class Fingerprint {
 public:
  void add(const TwoskipItem& item) {
    std::array<unsigned char, 16> lengths{};
    base::store_be64(lengths, 0, item.key.size());
    base::store_be64(lengths, 8, item.value.size());
    crc_ = base::crc32(item.value, base::crc32(item.key, base::crc32(lengths, crc_)));
    ++count_;
  }
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

 private:
  std::uint32_t crc_ = 0;
  std::uint64_t count_ = 0;
};

// Where each record goes and what it points to.
struct Plan {
  struct Entry {
    std::uint64_t offset = 0;
    std::size_t first_pointer = 0;  // in pointers: one for each of its lists
    std::uint8_t level = 0;
  };
  std::vector<Entry> entries;
  std::vector<std::uint64_t> pointers;
  std::array<std::uint64_t, TwoskipRecord::kMaxLevel> first{};  // what the dummy points to
  std::uint64_t end = TwoskipRecord::kFirstOffset;              // where the commit goes
};

base::Result<Plan> make_plan(const TwoskipSource& source, std::minstd_rand& random) {
  Plan plan;
  const auto done = source([&](TwoskipItem&& item) {
    auto record = TwoskipRecord::make(TwoskipRecord::kAdd, random_twoskip_level(random), std::move(item));
    plan.end += twoskip_filler(plan.end, record.head_size());
    plan.entries.push_back({plan.end, 0, record.level});
    plan.end += record.size();
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  for (auto entry = plan.entries.rbegin(); entry != plan.entries.rend(); ++entry) {
    entry->first_pointer = plan.pointers.size();
    for (std::size_t list = 0; list < entry->level; ++list) {
      plan.pointers.push_back(std::exchange(plan.first[list], entry->offset));
    }
  }
  return plan;
}

// Appends to a file in large pieces.
class Appender {
 public:
  explicit Appender(TwoskipFile& file) : file_(file) {}

  std::uint64_t end() const { return written_ + buffer_.size(); }
  void add(std::span<const unsigned char> bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  // Places the record where it must be, with fillers before it.
  void add(const TwoskipRecord& record) {
    if (record.type != TwoskipRecord::kDummy) {
      const std::size_t filler = twoskip_filler(end(), record.head_size());
      for (std::size_t done = 0; done < filler; done += kTwoskipFiller.size()) {
        buffer_.insert(buffer_.end(), kTwoskipFiller.begin(), kTwoskipFiller.end());
      }
    }
    add(encode_twoskip_record(record));
  }
  base::Result<void> flush(std::size_t keep_below = 0) {
    if (buffer_.size() <= keep_below) return {};
    auto done = file_.write(buffer_, written_);
    written_ += buffer_.size();
    buffer_.clear();
    return done;
  }

 private:
  TwoskipFile& file_;
  std::vector<unsigned char> buffer_;
  std::uint64_t written_ = 0;
};

base::Result<TwoskipHeader> write_items(TwoskipFile& next, std::uint64_t generation, const Plan& plan,
                                        const TwoskipSource& source, Fingerprint& written) {
  auto commit = TwoskipRecord::make(TwoskipRecord::kCommit, 0, {});
  commit.pointers[0] = TwoskipRecord::kFirstOffset;
  TwoskipHeader header;
  header.generation = generation;
  header.record_count = plan.entries.size();
  header.current_size = plan.end;
  if (!plan.entries.empty()) header.current_size += twoskip_filler(plan.end, commit.head_size()) + commit.size();
  header.repack_size = header.current_size;

  // List 0 begins with its second pointer, as in a file that was filled record by record.
  const auto point = [](TwoskipRecord& record, std::span<const std::uint64_t> to) {
    std::copy(to.begin(), to.end(), record.pointers.begin() + 1);
  };
  auto dummy = TwoskipRecord::make(TwoskipRecord::kDummy, TwoskipRecord::kMaxLevel, {});
  point(dummy, plan.first);
  Appender out(next);
  out.add(encode_twoskip_header(header));
  out.add(dummy);

  std::size_t index = 0;
  std::optional<base::Error> failed;
  const auto done = source([&](TwoskipItem&& item) {
    if (index == plan.entries.size()) {
      failed.emplace(Errc::corrupt, next.what() + ": more items the second time");
      return false;
    }
    const Plan::Entry& entry = plan.entries[index++];
    written.add(item);
    auto record = TwoskipRecord::make(TwoskipRecord::kAdd, entry.level, std::move(item));
    point(record, std::span(plan.pointers).subspan(entry.first_pointer, entry.level));
    out.add(record);
    if (auto flushed = out.flush(kChunk); !flushed) failed = std::move(flushed.error());
    return !failed;
  });
  if (!done) return tl::unexpected(done.error());
  if (failed) return tl::unexpected(*std::move(failed));
  if (!plan.entries.empty()) out.add(commit);
  if (out.end() != header.current_size) return base::fail(Errc::corrupt, next.what() + ": other items the second time");
  if (auto flushed = out.flush(); !flushed) return tl::unexpected(std::move(flushed.error()));
  if (auto synced = next.sync(); !synced) return tl::unexpected(std::move(synced.error()));
  return header;
}

base::Result<void> compare(const TwoskipFile& next, const Fingerprint& written) {
  const auto reader = TwoskipReader::open(next.reader(), next.size(), next.what());
  if (!reader) return tl::unexpected(reader.error());
  Fingerprint found;
  const auto done = reader->walk([&](TwoskipItem&& item) {
    found.add(item);
    return true;
  });
  if (!done) return done;
  if (!reader->clean() || !(found == written))
    return base::fail(Errc::corrupt, next.what() + ": reads back differently");
  return {};
}

}  // namespace

std::uint8_t random_twoskip_level(std::minstd_rand& random) {
  std::uint8_t level = 1;
  while (level < TwoskipRecord::kMaxLevel && (random() >> 16 & 1) != 0) ++level;
  return level;
}

base::Result<TwoskipHeader> replace_twoskip(TwoskipFile& file, std::uint64_t generation, const TwoskipSource& source,
                                            std::minstd_rand& random, bool& replaced) {
  replaced = false;
  auto plan = make_plan(source, random);
  if (!plan) return tl::unexpected(std::move(plan.error()));
  auto next = file.new_version();
  if (!next) return tl::unexpected(std::move(next.error()));
  Fingerprint written;
  auto header = write_items(*next, generation, *plan, source, written);
  if (header) {
    if (auto same = compare(*next, written); !same) header = tl::unexpected(std::move(same.error()));
  }
  if (!header) {
    TwoskipFile::discard(*std::move(next));
    return header;
  }
  if (auto done = file.replace_by(*std::move(next), replaced); !done) return tl::unexpected(std::move(done.error()));
  return header;
}

}  // namespace cyrus
