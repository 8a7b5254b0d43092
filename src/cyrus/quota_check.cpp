#include "cyrus/quota_check.hpp"

#include "base/file_io.hpp"
#include "base/log.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/quota_root.hpp"

#include <optional>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::size_t kMaxQuotaFile = std::size_t{64} << 10;
constexpr int kAttempts = 5;

struct Sum {
  std::uint64_t storage = 0;
  std::uint64_t messages = 0;
  std::uint64_t annotations = 0;
  std::uint64_t folders = 0;
  bool whole = true;  ///< false: a mailbox could not be read, so nothing can be said
};

bool is_below(const std::string& intname, const std::string& root) {
  if (root.ends_with('!')) return intname.starts_with(root);
  return intname == root || intname.starts_with(root + '.');
}

base::Result<void> add_mailbox(const MailboxName& name, const std::string& root, const StoreConfig& config,
                               const MailboxList& mailboxes, Sum& sum) {
  const auto passed_over = [&sum](const base::Error& error) -> base::Result<void> {
    if (error.code == Errc::busy) return tl::unexpected(error);
    // Gone since the list was read; all else is a problem that was reported with the mailbox.
    if (error.code != Errc::not_found) sum.whole = false;
    return {};
  };
  const auto mailbox = open_mailbox(name, config, mailboxes, base::LockMode::shared);
  if (!mailbox) return passed_over(mailbox.error());
  const auto index = IndexReader::open(mailbox->locks.index_fd(), "cyrus.index");
  if (!index) return passed_over(index.error());
  const base::Log nowhere([](base::Severity, std::string_view) {});
  const auto header = read_mailbox_header(*mailbox, index->header(), nowhere);
  if (!header) return passed_over(header.error());
  if (header->quota_root != root) return {};
  sum.storage += index->header().quota_mailbox_used;
  sum.messages += index->header().exists;
  sum.annotations += index->header().quota_annot_used;
  sum.folders += 1;
  return {};
}

base::Result<std::optional<std::string>> read_quota_file(const std::filesystem::path& file) {
  auto text = base::read_file(file, kMaxQuotaFile);
  if (text) return std::optional(std::move(*text));
  if (text.error().code == Errc::not_found) return std::optional<std::string>();
  return tl::unexpected(std::move(text.error()));
}

}  // namespace

base::Result<void> check_quota_root(const std::string& root, const std::vector<MailboxRecord>& listed,
                                    const StoreConfig& config, const MailboxList& mailboxes,
                                    std::vector<Problem>& problems) {
  const std::string what = "quota root " + root;
  if (config.quota_backend != "quotalegacy") {
    return base::fail(Errc::unsupported, what + ": quota_db " + config.quota_backend + " is not read here");
  }
  const auto file = quota_file_path(root, config);
  if (!file) {
    problems.push_back(Problem{"", 0, file.error().text});
    return {};
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = read_quota_file(*file);
    if (!before) return tl::unexpected(before.error());
    if (!*before) return {};
    Sum sum;
    for (const MailboxRecord& record : listed) {
      if (!is_below(record.name.intname(), root)) continue;
      if (const auto added = add_mailbox(record.name, root, config, mailboxes, sum); !added) return added;
    }
    const auto after = read_quota_file(*file);
    if (!after) return tl::unexpected(after.error());
    if (*before != *after) continue;
    if (!sum.whole) return {};

    const auto quota = parse_quota_root(**before, root);
    if (!quota) {
      problems.push_back(Problem{"", 0, quota.error().text});
      return {};
    }
    const auto compare = [&](std::string_view name, std::int64_t is, std::uint64_t should) {
      if (static_cast<std::uint64_t>(is) == should) return;
      problems.push_back(Problem{"", 0,
                                 what + ": " + std::string(name) + " used is " + std::to_string(is) +
                                     ", its mailboxes use " + std::to_string(should)});
    };
    compare("storage", quota->usage.storage, sum.storage);
    // Releases before 3.0 need not count anything else.
    if (!(*before)->starts_with("%(")) return {};
    compare("messages", quota->usage.messages, sum.messages);
    compare("annotations", quota->usage.annotations, sum.annotations);
    compare("folders", quota->usage.folders, sum.folders);
    return {};
  }
  return base::fail(Errc::busy, what + ": changes all the time");
}

}  // namespace cyrus
