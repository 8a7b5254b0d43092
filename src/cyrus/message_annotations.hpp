#pragma once

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What cyrus.annotations says of the messages of one mailbox (doc/format/annotations.md).
namespace cyrus {

/// Stands in keys for the owner of the mailbox.
inline constexpr std::string_view kAnnotationOwner = "[.OwNeR.]";

/// One annotation of a message, as stored.
struct MessageAnnotation {
  std::string entry;
  std::string userid;  ///< empty: shared; kAnnotationOwner: the owner's own
  std::string value;

  friend bool operator==(const MessageAnnotation&, const MessageAnnotation&) = default;
};

/// Decodes a record whose key begins with "UID NUL": the rest of the key, and the value. nullopt for one that only
/// remembers that there was an annotation. Pure. Errors: corrupt.
base::Result<std::optional<MessageAnnotation>> parse_message_annotation(std::string_view rest_of_key,
                                                                        std::string_view value);

/// The value of an annotation, as Cyrus writes it on a 64-bit machine. Pure.
std::string encode_annotation_value(std::string_view text);

/// The annotations of a mailbox, under the shared lock of their file for as long as this object lives. The caller
/// holds the index lock of the mailbox.
class MessageAnnotations {
 public:
  /// A missing file is a mailbox without annotations. `what` begins error texts ("mailbox user.ann:
  /// cyrus.annotations"). Blocks on disk, never on locks. Errors: busy; corrupt; unsupported (no twoskip file);
  /// permission; io.
  static base::Result<MessageAnnotations> open(const std::filesystem::path& file, std::string what);

  /// Those of one message. Blocks on disk. Errors: corrupt; limit; io.
  base::Result<std::vector<MessageAnnotation>> of(std::uint32_t uid) const;

 private:
  explicit MessageAnnotations(std::string what) : what_(std::move(what)) {}

  std::string what_;
  base::UniqueFd fd_;
  base::FileLock lock_;
  std::optional<TwoskipReader> reader_;  // none: no file, or an empty one
};

}  // namespace cyrus
