// Small messages, nearly all, stay in memory until they are whole: one write, and nothing is read back. Larger ones are
// written as they come, and read once at the end, because the cache record needs all of the text at once.

#include "cyrus/message_intake.hpp"

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"
#include "base/sha1.hpp"
#include "cyrus/stage_file.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::size_t kKeptInMemory = std::size_t{1024} * 1024;

std::uint64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

TextRules rules_of(IntakeOptions& options) {
  TextRules rules;
  rules.remove_return_path = options.remove_return_path;
  rules.reject_8bit = options.reject_8bit;
  rules.munge_8bit = options.munge_8bit;
  rules.max_octets = options.max_octets;
  rules.message_id = std::move(options.message_id);
  rules.date = std::move(options.date);
  return rules;
}

}  // namespace

class MessageIntake::Impl {
 public:
  Impl(const StoreConfig& config, StageFile file, IntakeOptions options)
      : config_(config),
        file_(std::move(file)),
        partition_(std::move(options.partition)),
        internaldate_(options.internaldate),
        trace_octets_(options.trace_headers.size()),
        waiting_(std::move(options.trace_headers)),
        text_(rules_of(options)) {}

  base::Result<void> write(std::string_view octets) {
    if (error_) return tl::unexpected(*error_);
    text_.add(octets, waiting_);
    if (const auto fault = text_.fault()) return refuse(*fault);
    if (waiting_.size() < kKeptInMemory) return {};
    auto flushed = flush();
    waiting_.clear();
    return flushed;
  }

  base::Result<StagedMessage> finish() {
    if (error_) return tl::unexpected(*error_);
    text_.finish(waiting_);
    if (const auto fault = text_.fault()) return tl::unexpected(refuse(*fault).error());
    const bool is_all_here = size_ == 0;
    if (const auto flushed = flush(); !flushed) return tl::unexpected(flushed.error());
    std::string text = std::move(waiting_);
    if (!is_all_here) {
      text.resize(static_cast<std::size_t>(size_));
      const std::span into(reinterpret_cast<unsigned char*>(text.data()), text.size());
      const auto read = base::read_exactly(file_.fd(), into, 0, file_.path().native());
      if (!read) return tl::unexpected(fail(read.error()).error());
    }

    MessageFacts facts;
    facts.size = size_;
    const std::uint64_t header = trace_octets_ + text_.header_octets();
    facts.header_size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(header, std::numeric_limits<std::uint32_t>::max()));
    facts.guid = sha1_.finish();
    facts.message_id = text_.message_id();
    facts.date = text_.date();
    describe_text(text, internaldate_.value_or(seconds_since_1970()), config_.message_parsing, facts);
    if (internaldate_) facts.internaldate = Time{*internaldate_, 0};
    if (const auto done = file_.complete(facts.internaldate, false); !done)
      return tl::unexpected(fail(done.error()).error());
    return StagedMessage(config_, partition_, std::move(file_), std::move(facts));
  }

  std::optional<TextFault> fault() const { return text_.fault(); }

 private:
  /// Writes what waits, which stays in memory.
  base::Result<void> flush() {
    const std::span bytes(reinterpret_cast<const unsigned char*>(waiting_.data()), waiting_.size());
    if (const auto written = base::write_exactly(file_.fd(), bytes, size_, file_.path().native()); !written) {
      return fail(written.error());
    }
    sha1_.add(waiting_);
    size_ += waiting_.size();
    return {};
  }

  base::Result<void> refuse(TextFault fault) {
    const Errc code = fault == TextFault::too_large ? Errc::limit : Errc::invalid;
    return fail(base::Error{code, std::string(describe(fault))});
  }

  base::Result<void> fail(base::Error error) {
    waiting_ = {};
    error_ = std::move(error);
    return tl::unexpected(*error_);
  }

  StoreConfig config_;
  StageFile file_;
  std::string partition_;
  std::optional<std::uint64_t> internaldate_;
  std::uint64_t trace_octets_;
  std::string waiting_;  // to be written at size_
  MessageText text_;
  base::Sha1 sha1_;
  std::uint64_t size_ = 0;  // of the file
  std::optional<base::Error> error_;
};

MessageIntake::MessageIntake(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageIntake::MessageIntake(MessageIntake&&) noexcept = default;
MessageIntake& MessageIntake::operator=(MessageIntake&&) noexcept = default;
MessageIntake::~MessageIntake() = default;

base::Result<MessageIntake> MessageIntake::begin(const StoreConfig& config, IntakeOptions options) {
  if (config.partitions.empty()) return base::fail(Errc::invalid, "no partition-NAME is given");
  CHECK(options.trace_headers.empty() || options.trace_headers.ends_with("\r\n"));
  if (options.partition.empty()) {
    // Without defaultpartition it need not exist, and for a file that is copied where it is needed any will do.
    const bool has_default = config.partitions.contains(config.default_partition);
    options.partition = has_default ? config.default_partition : config.partitions.begin()->first;
  }
  auto file = StageFile::make(config.partitions, options.partition);
  if (!file) return tl::unexpected(file.error());
  return MessageIntake(std::make_unique<Impl>(config, std::move(*file), std::move(options)));
}

base::Result<void> MessageIntake::write(std::string_view octets) { return impl_->write(octets); }

std::optional<TextFault> MessageIntake::fault() const { return impl_->fault(); }

base::Result<StagedMessage> MessageIntake::finish() { return impl_->finish(); }

}  // namespace cyrus
