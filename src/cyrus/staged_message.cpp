#include "cyrus/staged_message.hpp"

namespace cyrus {

struct StagedMessage::Content {
  MessageFacts facts;
};

StagedMessage::StagedMessage(StagedMessage&&) noexcept = default;
StagedMessage& StagedMessage::operator=(StagedMessage&&) noexcept = default;
StagedMessage::~StagedMessage() = default;

const MessageFacts& StagedMessage::facts() const { return content_->facts; }

base::Result<std::filesystem::path> StagedMessage::file_on(std::string_view partition) const {
  return base::fail(base::Errc::unsupported, "partition " + std::string(partition) + ": staging is not built yet");
}

}  // namespace cyrus
