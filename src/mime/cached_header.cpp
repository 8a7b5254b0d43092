#include "mime/cached_header.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

namespace mime {

namespace {

constexpr std::size_t kMaxName = 31;

// What has an item of its own, changes on each delivery, or is long and of no use to a client.
constexpr auto kNever = std::to_array<std::string_view>({"arc-authentication-results",
                                                         "arc-message-signature",
                                                         "arc-seal",
                                                         "archived-at",
                                                         "authentication-results",
                                                         "bcc",
                                                         "cc",
                                                         "date",
                                                         "delivery-date",
                                                         "dkim-signature",
                                                         "domainkey-signature",
                                                         "domainkey-x509",
                                                         "envelope-to",
                                                         "from",
                                                         "in-reply-to",
                                                         "listbox-message-date",
                                                         "message-id",
                                                         "mime-version",
                                                         "received",
                                                         "received-spf",
                                                         "return-path",
                                                         "subject",
                                                         "to",
                                                         "topicbox-message-uuid",
                                                         "topicbox-policy-reasoning"});

constexpr auto kPrivateButKept = std::to_array<std::string_view>(
    {"x-apple-base-url", "x-apple-mail-remote-attachments", "x-cyrus-session-id", "x-delivered-to", "x-mail-from",
     "x-mailer", "x-me-message-id", "x-msmail-priority", "x-msoesrec", "x-priority", "x-ref", "x-resolved-to",
     "x-spam-score", "x-trace", "x-truedomain-domain", "x-uniform-type-identifier", "x-universally-unique-identifier"});

static_assert(std::is_sorted(kNever.begin(), kNever.end()));
static_assert(std::is_sorted(kPrivateButKept.begin(), kPrivateButKept.end()));

}  // namespace

bool is_cached_header(std::string_view name) {
  if (name.size() > kMaxName) return false;
  const std::string wanted = base::ascii::lower(name);
  if (wanted.starts_with("x-")) return std::binary_search(kPrivateButKept.begin(), kPrivateButKept.end(), wanted);
  return !std::binary_search(kNever.begin(), kNever.end(), wanted);
}

}  // namespace mime
