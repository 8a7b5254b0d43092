#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace mime {

/// A charset by the name that a message gives it, and the decoder of it to UTF-8. Known are the names that Cyrus knows:
/// those of libicu, and some that mail programs use (doc/format/cache.md).
///
/// What is no text of the charset becomes U+FFFD. A decoder keeps what a multi-byte sequence has begun with from one
/// piece to the next.
class Charset {
 public:
  virtual ~Charset() = default;

  /// Null if no such charset is known.
  static std::unique_ptr<Charset> find(std::string_view name);
  /// US-ASCII, in which headers are.
  static std::unique_ptr<Charset> ascii();

  /// One name for all its names.
  virtual const std::string& canonical_name() const = 0;
  virtual void decode(std::string_view bytes, std::string& utf8) = 0;
  /// Ends a stretch of text. US-ASCII and UTF-8 keep what has begun also then.
  virtual void flush(std::string& utf8) = 0;
  /// Forgets what has begun.
  virtual void reset() = 0;
};

}  // namespace mime
