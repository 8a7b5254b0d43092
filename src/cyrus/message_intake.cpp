#include "cyrus/message_intake.hpp"

#include <utility>

namespace cyrus {

class MessageIntake::Impl {
 public:
  explicit Impl(TextRules rules) : text(std::move(rules)) {}
  MessageText text;
};

MessageIntake::MessageIntake(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageIntake::MessageIntake(MessageIntake&&) noexcept = default;
MessageIntake& MessageIntake::operator=(MessageIntake&&) noexcept = default;
MessageIntake::~MessageIntake() = default;

base::Result<MessageIntake> MessageIntake::begin(const StoreConfig&, IntakeOptions) {
  return base::fail(base::Errc::unsupported, "staging is not built yet");
}

base::Result<void> MessageIntake::write(std::string_view) {
  return base::fail(base::Errc::unsupported, "staging is not built yet");
}

std::optional<TextFault> MessageIntake::fault() const { return impl_->text.fault(); }

base::Result<StagedMessage> MessageIntake::finish() {
  return base::fail(base::Errc::unsupported, "staging is not built yet");
}

std::size_t remove_stale_stage_files(const StoreConfig&) { return 0; }

}  // namespace cyrus
