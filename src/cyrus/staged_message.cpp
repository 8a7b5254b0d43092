#include "cyrus/staged_message.hpp"

#include "base/ascii.hpp"
#include "base/file_write.hpp"

#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

// Less is written as fast as what is synced along with it.
constexpr std::uint64_t kSyncedAlong = std::uint64_t{128} * 1024;

}  // namespace

struct StagedMessage::Content {
  StoreConfig::Roots partitions;
  MessageFacts facts;
  std::string partition;
  StageFile file;
  std::mutex mutex;                                        // for copies
  std::map<std::string, StageFile, std::less<>> copies{};  // by partition
  std::atomic<bool> durable{false};
};

StagedMessage::StagedMessage(const StoreConfig& config, std::string partition, StageFile file, MessageFacts facts)
    : content_(new Content{config.partitions, std::move(facts), base::ascii::lower(partition), std::move(file), {}}) {}

StagedMessage::StagedMessage(StagedMessage&&) noexcept = default;
StagedMessage& StagedMessage::operator=(StagedMessage&&) noexcept = default;
StagedMessage::~StagedMessage() = default;

const MessageFacts& StagedMessage::facts() const { return content_->facts; }

base::Result<std::filesystem::path> StagedMessage::file_on(std::string_view partition) const {
  if (base::ascii::equal_ignoring_case(partition, content_->partition)) return content_->file.path();
  const std::lock_guard lock(content_->mutex);
  const std::string key = base::ascii::lower(partition);
  if (const auto found = content_->copies.find(key); found != content_->copies.end()) return found->second.path();
  auto copy = this->copy(key);
  if (!copy) return tl::unexpected(copy.error());
  return content_->copies.emplace(key, std::move(*copy)).first->second.path();
}

base::Result<StageFile> StagedMessage::copy(std::string_view partition) const {
  const MessageFacts& message = content_->facts;
  return copy_stage_file(content_->file, message.size, message.internaldate, content_->partitions, partition);
}

void StagedMessage::add_sync(base::StepsApart& steps) const {
  if (!content_->durable) steps.sync_data(content_->file.fd(), content_->file.path().native());
}

void StagedMessage::is_synced() const { content_->durable = true; }

base::Result<void> make_durable(std::span<const StagedMessage* const> messages) {
  std::vector<StagedMessage::Content*> waiting;
  for (const StagedMessage* message : messages) {
    if (!message->content_->durable) waiting.push_back(message->content_.get());
  }
  if (waiting.size() == 1 && waiting.front()->facts.size <= kSyncedAlong) return {};
  std::set<std::string> synced;  // partitions
  for (StagedMessage::Content* content : waiting) {
    const std::string what = content->file.path().native();
    if (waiting.size() == 1) {
      if (auto done = base::sync_file(content->file.fd(), what); !done) return done;
    } else if (synced.insert(content->partition).second && ::syncfs(content->file.fd()) != 0) {
      return base::fail_system("syncfs " + what, errno);
    }
  }
  for (StagedMessage::Content* content : waiting) content->durable = true;
  return {};
}

}  // namespace cyrus
