#include "cyrus/quota_file.hpp"

#include "base/ascii.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"
#include "cyrus/dlist.hpp"
#include "cyrus/mailbox_name.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <span>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::size_t kMaxQuotaFile = std::size_t{64} * 1024;
constexpr int kRenameRetries = 8;
constexpr int kLockAttempts = 50;
constexpr std::chrono::milliseconds kLockPause(2);

tl::unexpected<base::Error> corrupt(std::string_view what, std::string_view text) {
  return base::fail(Errc::corrupt, std::string(what) + ": " + std::string(text) + "; run quota -f");
}

std::uint64_t add(std::uint64_t used, std::int64_t change) {
  if (change >= 0) {
    const std::uint64_t sum = used + static_cast<std::uint64_t>(change);
    return sum < used ? std::numeric_limits<std::uint64_t>::max() : sum;
  }
  const std::uint64_t less = std::uint64_t{0} - static_cast<std::uint64_t>(change);
  return used > less ? used - less : 0;
}

/// `number` with `change` added, as text; nullopt when it is no number.
std::optional<std::string> added(std::string_view number, std::int64_t change) {
  // Old files can have a usage below 0 after an error; everybody reads that as none.
  if (number.starts_with('-') && parse_decimal(number.substr(1))) return std::to_string(add(0, change));
  const auto used = parse_decimal(number);
  if (!used) return std::nullopt;
  return std::to_string(add(*used, change));
}

// -- the list form ------------------------------------------------------------------------------------------------

Dlist* find(Dlist& fields, std::string_view key) { return const_cast<Dlist*>(std::as_const(fields).find(key)); }

/// Adds to the number of `item`, or to the first one of a list `(used limit)`.
bool add_to(Dlist* item, std::int64_t change) {
  if (item == nullptr) return true;  // this resource is not counted here
  if (item->kind == Dlist::Kind::list && !item->items.empty()) item = &item->items.front();
  if (item->kind != Dlist::Kind::string) return false;
  auto sum = added(item->text, change);
  if (!sum) return false;
  item->text = std::move(*sum);
  return true;
}

bool add_resources(Dlist& fields, const QuotaUsage& change) {
  return add_to(find(fields, "S"), change.storage) && add_to(find(fields, "M"), change.messages) &&
         add_to(find(fields, "AS"), change.annotations) && add_to(find(fields, "NF"), change.folders);
}

base::Result<std::string> add_to_list_form(std::string_view text, const QuotaUsage& change, std::string_view intname,
                                           std::string_view what) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto list = parse_dlist(text);
  if (!list) return corrupt(what, list.error().text);
  if (list->kind != Dlist::Kind::fields) return corrupt(what, "not a list of fields");
  if (!add_resources(*list, change)) return corrupt(what, "a usage is no number");

  // `quota -f` is at work: what it has counted already must change too. It goes by name.
  if (Dlist* scan = find(*list, "SCAN"); scan != nullptr && scan->kind == Dlist::Kind::fields) {
    const auto reached = scan->string("MBOX");
    if (reached && intname <= *reached && !add_resources(*scan, change)) {
      return corrupt(what, "a usage of SCAN is no number");
    }
  }
  if (Dlist* modseq = find(*list, "MODSEQ")) {
    if (!add_to(modseq, 1)) return corrupt(what, "MODSEQ is no number");
  }
  std::string out;
  append_dlist(*list, out);
  return out + '\n';
}

// -- the older form -------------------------------------------------------------------------------------------------

// `used limit` of storage, then `NAME used limit` for each further resource, separated by blanks or a line end. Only
// the numbers change, so that the release that wrote it reads it again.
base::Result<std::string> add_to_word_form(std::string_view text, const QuotaUsage& change, std::string_view what) {
  std::string out;
  std::size_t position = 0;  // 0 used, 1 limit, 2 the name of the next resource
  std::int64_t of_resource = change.storage;
  std::size_t words = 0;
  while (!text.empty()) {
    const std::size_t blanks = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    out += text.substr(0, blanks);
    text.remove_prefix(blanks);
    if (text.empty()) break;
    const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n"));
    text.remove_prefix(word.size());
    ++words;
    if (position == 2) {
      of_resource = word == "M"    ? change.messages
                    : word == "AS" ? change.annotations
                    : word == "NF" ? change.folders
                                   : 0;
      out += word;
    } else if (position == 0) {
      const auto sum = added(word, of_resource);
      if (!sum) return corrupt(what, "a usage is no number");
      out += *sum;
    } else {
      out += word;
    }
    position = (position + 1) % 3;
  }
  if (words < 2) return corrupt(what, "neither a list nor numbers");
  return out;
}

}  // namespace

base::Result<std::filesystem::path> quota_file_path(std::string_view root, const StoreConfig& config) {
  const auto bad = [root] {
    return base::fail(Errc::invalid, "quota root " + std::string(root) + ": not a possible name");
  };
  const std::size_t bang = root.find('!');
  const std::string_view domain = bang == std::string_view::npos ? std::string_view() : root.substr(0, bang);
  const std::string_view rest = bang == std::string_view::npos ? root : root.substr(bang + 1);
  const bool is_whole_domain = bang != std::string_view::npos && rest.empty();
  // A whole domain is no mailbox; with a component behind, the same rules hold for it.
  if (!MailboxName::from_intname(is_whole_domain ? std::string(root) + "user" : std::string(root))) return bad();

  std::filesystem::path directory = config.quota_db;
  if (!domain.empty()) {
    directory = config.config_directory / "domain" / std::string(1, hash_letter(domain, config.full_dir_hash)) /
                domain / "quota";
  }
  if (is_whole_domain) return directory / "root";
  const std::size_t dot = rest.find('.');
  const std::string_view hashed = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
  return directory / std::string(1, hash_letter(hashed, config.full_dir_hash)) / rest;
}

base::Result<std::string> add_quota_usage(std::string_view text, const QuotaUsage& change, std::string_view intname,
                                          std::string_view what) {
  if (text.starts_with("%(")) return add_to_list_form(text, change, intname, what);
  return add_to_word_form(text, change, what);
}

base::Result<QuotaChange> QuotaChange::prepare(const std::filesystem::path& file, const QuotaUsage& change,
                                               std::string_view intname, std::string what) {
  auto quota = prepare(
      file, [&, what](std::string_view text) { return add_quota_usage(text, change, intname, what); }, what);
  if (quota) {
    quota->change_ = change;
    quota->intname_ = intname;
  }
  return quota;
}

base::Result<QuotaChange> QuotaChange::prepare(const std::filesystem::path& file,
                                               const std::function<base::Result<std::string>(std::string_view)>& edit,
                                               std::string what) {
  QuotaChange quota;
  quota.file_ = file;
  quota.what_ = std::move(what);
  for (int attempt = 0;; ++attempt) {
    auto fd = base::open_file(file, O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    if (!fd && fd.error().code == Errc::not_found) return quota;
    if (!fd) return tl::unexpected(std::move(fd.error()));
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(fd->value(), &opened) != 0) return base::fail_system(quota.what_, errno);
    if (!S_ISREG(opened.st_mode)) return corrupt(quota.what_, "not a regular file");
    auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, quota.what_);
    if (!lock) return tl::unexpected(std::move(lock.error()));
    // Whoever changes it renames a new file over it: the lock may be on one that is history.
    const bool same =
        ::stat(file.c_str(), &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
    if (same) {
      quota.lock_ = std::move(*lock);
      std::swap(quota.fd_, *fd);
      break;
    }
    if (attempt == kRenameRetries) return base::fail(Errc::busy, quota.what_ + ": was replaced again and again");
  }

  std::string text(kMaxQuotaFile + 1, '\0');
  const auto got = base::read_some(quota.fd_.value(), std::span(text.data(), text.size()), 0, quota.what_);
  if (!got) return tl::unexpected(got.error());
  if (*got > kMaxQuotaFile) return corrupt(quota.what_, "too long");
  text.resize(*got);
  auto after = edit(text);
  if (!after) return tl::unexpected(std::move(after.error()));
  quota.before_ = std::move(text);
  quota.after_ = std::move(*after);
  return quota;
}

base::Result<void> QuotaChange::write() { return has_file() ? replace(after_) : base::Result<void>(); }

base::Result<void> QuotaChange::undo() { return has_file() ? replace(before_) : base::Result<void>(); }

// The lost process may have renamed its file or not, and once it is dead nobody keeps others away from that file.
base::Result<void> QuotaChange::undo_of_lost_copy() {
  if (!has_file()) return {};
  lock_.unlock();  // prepare() opens the file anew, and would find ours in its way
  const QuotaUsage back{-change_.storage, -change_.messages, -change_.annotations, -change_.folders};
  auto now = prepare(file_, back, intname_, what_);
  for (int attempt = 1; !now && now.error().code == Errc::busy && attempt < kLockAttempts; ++attempt) {
    std::this_thread::sleep_for(kLockPause);
    now = prepare(file_, back, intname_, what_);
  }
  if (!now) return tl::unexpected(std::move(now.error()));
  if (now->before_ != before_) return now->write();
  // Never renamed: what may be left is half a file beside it.
  if (now->has_file()) static_cast<void>(::unlink(next_file().c_str()));
  return {};
}

base::Result<void> QuotaChange::stage_text(std::string_view text) {
  const std::filesystem::path next = next_file();
  const std::string& what = next.native();
  // O_TRUNC: what a crash left there is garbage, and nobody else may be writing it while we hold the lock.
  base::UniqueFd fd;
  do {
    fd.reset(::open(next.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666));
  } while (!fd && errno == EINTR);
  if (!fd) return base::fail_system(what, errno);
  const auto write = [&]() -> base::Result<base::FileLock> {
    struct stat status = {};
    if (::fstat(fd.value(), &status) != 0) return base::fail_system(what, errno);
    if (!S_ISREG(status.st_mode)) return base::fail(Errc::io, what + ": not a regular file");
    // Locked before it gets the name: nobody can change it until we are done, so that undo() puts back what it knows.
    auto lock = base::FileLock::try_lock(fd.value(), base::LockMode::exclusive, what);
    if (!lock) return lock;
    const std::span bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    if (const auto written = base::write_exactly(fd.value(), bytes, 0, what); !written) {
      return tl::unexpected(written.error());
    }
    if (const auto synced = base::sync_file(fd.value(), what); !synced) return tl::unexpected(synced.error());
    return lock;
  };
  auto lock = write();
  if (!lock) {
    // Only tidying up: the next writer would overwrite it.
    static_cast<void>(::unlink(next.c_str()));
    return tl::unexpected(std::move(lock.error()));
  }
  next_lock_ = std::move(*lock);
  std::swap(next_fd_, fd);
  return {};
}

base::Result<void> QuotaChange::replace(std::string_view text) {
  if (auto staged = stage_text(text); !staged) return staged;
  const std::filesystem::path next = next_file();
  if (std::rename(next.c_str(), file_.c_str()) != 0) {
    auto failed = base::fail_system("rename " + next.native(), errno);
    static_cast<void>(::unlink(next.c_str()));
    next_lock_.unlock();
    return failed;
  }
  published();
  return {};
}

base::Result<void> QuotaChange::stage(base::StepsApart& steps) {
  if (auto staged = stage_text(after_); !staged) return staged;
  steps.rename(next_file(), file_);
  return {};
}

void QuotaChange::published() {
  lock_ = std::move(next_lock_);  // lets go of the old file
  std::swap(fd_, next_fd_);
}

base::Result<void> QuotaChange::take_back_staged() {
  struct stat next = {};
  struct stat named = {};
  if (::fstat(next_fd_.value(), &next) != 0) return base::fail_system(what_, errno);
  if (::stat(file_.c_str(), &named) != 0) return base::fail_system(file_.native(), errno);
  if (next.st_dev == named.st_dev && next.st_ino == named.st_ino) {
    published();
    return undo();
  }
  static_cast<void>(::unlink(next_file().c_str()));  // only tidying up
  next_lock_.unlock();
  return {};
}

base::Result<std::optional<QuotaChange>> prepare_quota_change(const std::string& root, const QuotaUsage& usage,
                                                              const MailboxName& name, const StoreConfig& config,
                                                              const base::Log& log) {
  std::optional<QuotaChange> change;
  if (root.empty() || usage == QuotaUsage{}) return change;
  const std::string what = "mailbox " + name.intname() + ": quota root " + root;
  if (config.quota_backend != "quotalegacy") {
    return base::fail(Errc::unsupported, what + ": quota_db " + config.quota_backend + " is not written here");
  }
  const auto file = quota_file_path(root, config);
  if (!file) return tl::unexpected(base::Error{Errc::corrupt, what + ": " + file.error().text});
  auto prepared = QuotaChange::prepare(*file, usage, name.intname(), what);
  if (!prepared) return tl::unexpected(std::move(prepared.error()));
  if (!prepared->has_file()) log.warning(what + ": has no file, so its usage is not kept; run quota -f");
  change = std::move(*prepared);
  return change;
}

}  // namespace cyrus
