#pragma once

#include "base/result.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/store_config.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace cyrus {

/// What mailboxes store about a message beside its file. Computed once, whoever receives it.
struct MessageFacts {
  std::uint64_t size = 0;
  std::uint32_t header_size = 0;            ///< up to and with the empty line
  std::array<unsigned char, 20> guid = {};  ///< SHA-1 of the whole file
  Time internaldate;                        ///< when it was received; also the time of the file
  Time sentdate;                            ///< the calendar date of its Date, as written, at 00:00 UTC
  Time gmtime;                              ///< its Date
  std::string message_id;                   ///< Resent-Message-ID or Message-ID, for duplicate suppression
  std::string date;                         ///< Date as written, for duplicate suppression
  std::string cache_record;                 ///< for cyrus.cache; empty: none could be made
  std::uint16_t cache_version = 0;
};

/// A whole message on disk, in the stage directory of a partition, durable, and not in any mailbox yet. Delivery links
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

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace cyrus
