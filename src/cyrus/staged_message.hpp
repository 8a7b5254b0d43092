#pragma once

#include "base/result.hpp"
#include "base/steps_apart.hpp"
#include "cyrus/message_facts.hpp"
#include "cyrus/stage_file.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cyrus {

/// A whole message on disk, in the stage directory of a partition, and not in any mailbox yet. Delivery links
/// its file into mailboxes. The file is removed when this object goes; mailboxes keep their links.
///
/// Movable. Its const functions may be called by several threads at a time.
class StagedMessage {
 public:
  StagedMessage(StagedMessage&&) noexcept;
  StagedMessage& operator=(StagedMessage&&) noexcept;
  ~StagedMessage();

  const MessageFacts& facts() const;
  std::uint64_t size() const { return facts().size; }

  /// The file on the file system of `partition`, where it is copied to when it is asked for the first time. The same
  /// path as long as this object lives; its modification time is facts().internaldate. Blocks on disk. Errors: invalid
  /// (no such partition); permission; io.
  base::Result<std::filesystem::path> file_on(std::string_view partition) const;

  /// What is not durable yet must be before a mailbox counts it: by make_durable(), or by this step, if it needs one;
  /// success is then to be told by is_synced().
  void add_sync(base::StepsApart& steps) const;
  void is_synced() const;

  /// Another copy of the file, for a mailbox that is not to share it. Errors: as file_on().
  base::Result<StageFile> copy(std::string_view partition) const;

  /// `file` is complete, not durable, and lies on `partition`.
  StagedMessage(const StoreConfig& config, std::string partition, StageFile file, MessageFacts facts);

 private:
  friend base::Result<void> make_durable(std::span<const StagedMessage* const> messages);
  struct Content;
  std::unique_ptr<Content> content_;
};

/// Makes those durable that are not yet: several by one syncfs(2), which costs less than an fsync(2) for each, and
/// covers whatever else waits on their file system. A single small one is left to add_sync(). Blocks on disk. Errors:
/// io.
base::Result<void> make_durable(std::span<const StagedMessage* const> messages);

}  // namespace cyrus
