#pragma once

#include "maildrop/maildrop.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

/// What a MemoryMailbox holds, and what was done to it: outlives the Maildrop that owns the mailbox.
struct MemoryStore {
  std::map<maildrop::Uid, std::string> messages;
  /// The next open or update fails with this, once.
  std::optional<base::Error> next_failure;
  std::vector<maildrop::Update> updates;
};

class MemoryMessage : public maildrop::Message {
 public:
  explicit MemoryMessage(std::string text) : text_(std::move(text)) {}

  std::uint64_t size() const override { return text_.size(); }

  base::Result<std::size_t> read(std::span<char> into, std::uint64_t offset, maildrop::Access) override {
    if (offset >= text_.size()) return std::size_t{0};
    const auto at = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(into.size(), text_.size() - at);
    if (count != 0) std::memcpy(into.data(), text_.data() + at, count);
    return count;
  }

 private:
  std::string text_;
};

/// A whole mail store in memory, for tests of what stands above one. Unique-ids are "1795381165.UID".
class MemoryMailbox : public maildrop::Mailbox {
 public:
  explicit MemoryMailbox(MemoryStore& store) : store_(store) {}

  void append_unique_id(maildrop::Uid uid, std::string& to) const override {
    to += "1795381165." + std::to_string(value(uid));
  }

  base::Result<std::unique_ptr<maildrop::Message>> open(maildrop::Uid uid, std::uint64_t octets,
                                                        maildrop::Access) override {
    if (auto failure = std::exchange(store_.next_failure, std::nullopt)) return tl::unexpected(*failure);
    const auto found = store_.messages.find(uid);
    if (found == store_.messages.end()) return base::fail(base::Errc::not_found, "no such uid");
    if (found->second.size() != octets) return base::fail(base::Errc::corrupt, "not what was listed");
    return std::make_unique<MemoryMessage>(found->second);
  }

  base::Result<maildrop::UpdateReport> update(const maildrop::Update& changes) override {
    if (auto failure = std::exchange(store_.next_failure, std::nullopt)) return tl::unexpected(*failure);
    store_.updates.push_back(changes);
    maildrop::UpdateReport report;
    for (const maildrop::Uid uid : changes.deleted) report.removed += store_.messages.erase(uid);
    return report;
  }

 private:
  MemoryStore& store_;
};

/// A session's view of `store`, which must outlive it.
inline maildrop::Maildrop open_maildrop(MemoryStore& store) {
  std::vector<maildrop::Entry> entries;
  for (const auto& [uid, text] : store.messages) entries.emplace_back(uid, text.size());
  return {std::make_unique<MemoryMailbox>(store), std::move(entries)};
}

/// A store with these messages, at uids 11, 12, ...: never equal to their message-numbers.
inline MemoryStore store_of(std::initializer_list<std::string_view> messages) {
  MemoryStore store;
  std::uint32_t uid = 11;
  for (const std::string_view text : messages) store.messages.emplace(maildrop::Uid{uid++}, text);
  return store;
}

/// A maildrop of messages with these sizes that cannot be opened, at uids 1, 2, ...
inline maildrop::Maildrop maildrop_of_sizes(MemoryStore& store, const std::vector<std::uint64_t>& sizes) {
  std::vector<maildrop::Entry> entries;
  std::uint32_t uid = 1;
  for (const std::uint64_t octets : sizes) entries.emplace_back(maildrop::Uid{uid++}, octets);
  return {std::make_unique<MemoryMailbox>(store), std::move(entries)};
}

}  // namespace support
