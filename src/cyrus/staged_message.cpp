#include "cyrus/staged_message.hpp"

#include "base/ascii.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <utility>

namespace cyrus {

struct StagedMessage::Content {
  StoreConfig::Roots partitions;
  MessageFacts facts;
  std::string partition;
  StageFile file;
  std::mutex mutex;                                        // for copies
  std::map<std::string, StageFile, std::less<>> copies{};  // by partition
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

}  // namespace cyrus
