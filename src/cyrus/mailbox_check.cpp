// In three steps. An image of the mailbox is read under its shared locks: the index, cyrus.header, annotations. Then,
// without any lock, the image is held against itself, and message files and cache records against the image: neither
// changes once its record is committed. Files can go and come meanwhile, so whatever is wrong with one is looked at
// once more under the locks before it is a problem.

#include "cyrus/mailbox_check.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "base/sha1.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/cache_record.hpp"
#include "cyrus/index_record.hpp"
#include "cyrus/index_recount.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/message_annotations.hpp"
#include "cyrus/open_mailbox.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <system_error>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

constexpr std::size_t kMaxHeaderFile = std::size_t{16} << 20;
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{4} << 30;
constexpr std::size_t kChunk = std::size_t{256} << 10;
// A mailbox that is broken throughout is said to be so, not in a hundred thousand lines.
constexpr std::size_t kMaxOfAKind = 20;

/// The problems of one mailbox, with a bound on each kind.
class Findings {
 public:
  explicit Findings(std::string mailbox) : mailbox_(std::move(mailbox)) {}

  void add(std::string text, std::uint32_t uid = 0) { add(std::move(text), uid, false); }
  void note(std::string text, std::uint32_t uid = 0) { add(std::move(text), uid, true); }

  /// A problem of a message: "FILE: UID 7: TEXT".
  void of_message(std::string_view file, std::uint32_t uid, std::string_view text) {
    const std::string kind = std::string(file) + '\0' + std::string(text.substr(0, text.find_first_of("0123456789")));
    const std::size_t count = ++kinds_[kind];
    if (count > kMaxOfAKind) return;
    std::string line = std::string(file) + ": UID " + std::to_string(uid) + ": " + std::string(text);
    if (count == kMaxOfAKind) line += " (more of this kind are not listed)";
    add(std::move(line), uid);
  }

  std::vector<Problem> take() { return std::move(problems_); }

 private:
  void add(std::string text, std::uint32_t uid, bool harmless) {
    problems_.push_back(Problem{mailbox_, uid, std::move(text), harmless});
  }

  std::string mailbox_;
  std::vector<Problem> problems_;
  std::map<std::string, std::size_t> kinds_;
};

/// `text` of an error without the name of the mailbox in front, which a Problem has apart.
std::string without_mailbox(const std::string& text, const MailboxName& name) {
  const std::string prefix = "mailbox " + name.intname() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

struct Message {
  IndexRecord record;
  bool has_valid_crc = false;
};

/// What was read under the locks.
struct Image {
  explicit Image(const MailboxRecord& listed, const MailboxPaths& places) : record(listed), paths(places) {}

  MailboxRecord record;
  MailboxPaths paths;
  std::optional<IndexHeader> header;  ///< none: cannot be decoded, see `damage`
  std::vector<Message> messages;
  std::uint64_t index_bytes = 0;
  std::string header_file;
  std::map<std::uint32_t, std::vector<MessageAnnotation>> annotations;
  std::vector<MessageAnnotation> of_mailbox;
  base::UniqueFd cache;
  base::UniqueFd archive_cache;
  std::vector<std::string> damage;
};

/// An error that is a finding and no reason to stop: the file is damaged or missing.
bool is_damage(const base::Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found || error.code == Errc::limit ||
         error.code == Errc::invalid || error.code == Errc::io;
}

base::Result<void> read_index(Image& image, int fd) {
  const std::string what = "cyrus.index";
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return base::fail_system(what, errno);
  if (!S_ISREG(status.st_mode)) return base::fail(Errc::corrupt, what + ": not a regular file");
  image.index_bytes = static_cast<std::uint64_t>(status.st_size);
  std::array<char, kLargestIndexHeader> bytes{};
  const auto got = base::read_some(fd, bytes, 0, what);
  if (!got) return tl::unexpected(got.error());
  const auto header = parse_index_header({reinterpret_cast<const unsigned char*>(bytes.data()), *got}, what);
  if (!header) return tl::unexpected(header.error());
  if (header->end_of_records() > image.index_bytes || header->end_of_records() > kMaxIndexBytes) {
    return base::fail(Errc::corrupt, what + ": " + std::to_string(image.index_bytes) + " octets, but " +
                                         std::to_string(header->num_records) + " records need " +
                                         std::to_string(header->end_of_records()));
  }
  image.messages.reserve(header->num_records);
  const std::size_t size = header->record_size;
  std::vector<unsigned char> chunk(std::max<std::size_t>(kChunk / size, 1) * size);
  for (std::uint64_t at = header->start_offset; at < header->end_of_records();) {
    const auto piece = std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), header->end_of_records() - at));
    if (const auto read = base::read_exactly(fd, piece, at, what); !read) return read;
    for (std::size_t i = 0; i < piece.size(); i += size) {
      const auto record = piece.subspan(i, size);
      image.messages.push_back(Message{decode_index_record(*header->format_table, record), has_valid_crc(record)});
    }
    at += piece.size();
  }
  image.header = *header;
  return {};
}

base::Result<void> read_annotations(Image& image, const StoreConfig& config) {
  auto of_mailbox = mailbox_annotations(image.record.uniqueid, config);
  if (!of_mailbox) return tl::unexpected(std::move(of_mailbox.error()));
  image.of_mailbox = *std::move(of_mailbox);
  const auto annotations = MessageAnnotations::open(image.paths.file(MetaFile::annotations), "cyrus.annotations");
  if (!annotations) return tl::unexpected(annotations.error());
  for (const Message& message : image.messages) {
    if (message.record.has(flag_bit::kExpunged)) continue;
    auto found = annotations->of(message.record.uid);
    if (!found) return tl::unexpected(found.error());
    if (!found->empty()) image.annotations.insert_or_assign(message.record.uid, *std::move(found));
  }
  return {};
}

/// A cache that cannot be opened stays closed, and whoever needs it finds that out.
base::UniqueFd open_cache(const fs::path& file) {
  auto fd = base::open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return fd ? std::move(*fd) : base::UniqueFd{};
}

/// Opens the mailbox, reads the image, and lets the locks go.
base::Result<Image> read_image(const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes) {
  auto mailbox = open_mailbox(name, config, mailboxes, base::LockMode::shared);
  if (!mailbox) return tl::unexpected(std::move(mailbox.error()));
  Image image(mailbox->record, mailbox->paths);
  const auto settle = [&](const base::Result<void>& done) -> base::Result<void> {
    if (done) return {};
    if (!is_damage(done.error())) return done;
    image.damage.push_back(without_mailbox(done.error().text, name));
    return {};
  };
  if (const auto done = settle(read_index(image, mailbox->locks.index_fd())); !done)
    return tl::unexpected(done.error());
  if (auto text = base::read_file(image.paths.file(MetaFile::header), kMaxHeaderFile)) {
    image.header_file = std::move(*text);
  } else if (const auto done = settle(tl::unexpected(text.error())); !done) {
    return tl::unexpected(done.error());
  }
  if (const auto done = settle(read_annotations(image, config)); !done) return tl::unexpected(done.error());
  image.cache = open_cache(image.paths.file(MetaFile::cache));
  image.archive_cache = open_cache(image.paths.file(MetaFile::archivecache));
  return image;
}

void check_header_file(const Image& image, const MailboxHeader& header, Findings& findings) {
  const MailboxRecord& record = image.record;
  const auto differ = [&](std::string_view what, const std::string& here, const std::string& listed) {
    if (here.empty() || listed.empty() || here == listed) return;
    findings.add("cyrus.header: " + std::string(what) + " is " + here + ", mailboxes.db has " + listed);
  };
  differ("uniqueid", header.uniqueid, record.uniqueid);
  differ("name", header.intname, record.name.intname());
  if (header.acl != record.acl) findings.add("cyrus.header: the access list is not that of mailboxes.db");
  if (image.header && image.header->header_file_crc != 0 &&
      image.header->header_file_crc != base::crc32(image.header_file)) {
    findings.add("cyrus.header: its CRC is not the one in cyrus.index");
  }
}

void check_records(const Image& image, const std::vector<std::string>& user_flags, Findings& findings) {
  const IndexHeader& header = *image.header;
  IndexRecount recount(header.minor_version, user_flags, image.record.name.userid());
  recount.add_of_mailbox(image.of_mailbox);
  std::uint32_t previous = 0;
  for (const Message& message : image.messages) {
    const IndexRecord& record = message.record;
    if (!message.has_valid_crc) findings.of_message("cyrus.index", record.uid, "wrong record CRC");
    if (record.uid <= previous) {
      findings.of_message("cyrus.index", record.uid, "stands behind UID " + std::to_string(previous));
    }
    if (record.has(flag_bit::kUnlinked) && !record.has(flag_bit::kExpunged)) {
      findings.of_message("cyrus.index", record.uid, "unlinked, but not expunged");
    }
    previous = record.uid;
    const auto annotations = image.annotations.find(record.uid);
    recount.add(record,
                annotations == image.annotations.end() ? std::vector<MessageAnnotation>{} : annotations->second);
  }
  for (const std::string& difference : recount.differences(header)) findings.add("cyrus.index: " + difference);
  if (image.index_bytes > header.end_of_records()) {
    findings.note("cyrus.index: " + std::to_string(image.index_bytes - header.end_of_records()) +
                  " octets behind the last record, of an append that was cut short");
  }
  if (image.record.uidvalidity != 0 && image.record.uidvalidity != header.uidvalidity) {
    findings.add("cyrus.index: uidvalidity is " + std::to_string(header.uidvalidity) + ", mailboxes.db has " +
                 std::to_string(image.record.uidvalidity));
  }
}

/// The octets of a cache file around a place, so that records in a row are one read.
class CacheWindow {
 public:
  explicit CacheWindow(int fd) : fd_(fd) {
    struct stat status = {};
    if (fd >= 0 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
      size_ = static_cast<std::uint64_t>(status.st_size);
    }
  }

  std::uint64_t size() const { return size_; }

  /// From `offset` on at least `wanted` octets, or what the file has. Empty when it cannot be read.
  std::span<const unsigned char> at(std::uint64_t offset, std::size_t wanted) {
    const std::uint64_t end = std::min<std::uint64_t>(size_, offset + wanted);
    if (offset >= size_) return {};
    if (offset < start_ || end > start_ + bytes_.size()) {
      bytes_.resize(std::min<std::uint64_t>(size_ - offset, std::max(wanted, kChunk)));
      start_ = offset;
      if (!base::read_exactly(fd_, bytes_, offset, "cyrus.cache")) bytes_.clear();
    }
    if (bytes_.empty()) return {};
    return std::span<const unsigned char>(bytes_).subspan(offset - start_);
  }

 private:
  int fd_;
  std::uint64_t size_ = 0;
  std::uint64_t start_ = 0;
  std::vector<unsigned char> bytes_;
};

/// A record of the cache file: the window grows until the record is in it.
base::Result<void> check_cache_record(CacheWindow& window, const IndexRecord& record) {
  if (record.cache_offset < 4 || record.cache_offset >= window.size()) {
    return base::fail(Errc::corrupt, "offset " + std::to_string(record.cache_offset) + " is outside of the file");
  }
  for (std::size_t wanted = 4096;; wanted *= 8) {
    const auto bytes = window.at(record.cache_offset, wanted);
    const auto shape = parse_cache_record(bytes);
    if (shape) {
      if (base::crc32(bytes.first(shape->size)) != record.cache_crc)
        return base::fail(Errc::corrupt, "wrong cache CRC");
      return {};
    }
    const bool may_go_on = record.cache_offset + bytes.size() < window.size() && wanted <= kMaxCacheRecord;
    if (!may_go_on || shape.error().code != Errc::limit) return tl::unexpected(shape.error());
  }
}

void check_cache(const Image& image, Findings& findings) {
  CacheWindow plain(image.cache.value());
  CacheWindow archived(image.archive_cache.value());
  std::size_t without = 0;
  for (const Message& message : image.messages) {
    const IndexRecord& record = message.record;
    if (!message.has_valid_crc || record.has(flag_bit::kUnlinked)) continue;
    if (record.cache_offset == 0) {
      ++without;
      continue;
    }
    CacheWindow& window = record.has(flag_bit::kArchived) ? archived : plain;
    if (const auto done = check_cache_record(window, record); !done) {
      findings.of_message("cyrus.cache", record.uid, done.error().text);
    }
  }
  if (without > 0) {
    findings.note("cyrus.cache: " + std::to_string(without) + " messages have no record; Cyrus makes them when needed");
  }
  const auto start = plain.at(0, 4);
  if (plain.size() > 0 && (start.size() < 4 || base::load_be32(start, 0) != image.header->generation_no)) {
    findings.note("cyrus.cache: is of another generation than cyrus.index");
  }
}

/// What is wrong with the file of a message; empty: nothing.
std::string trouble_with_file(const MailboxPaths& paths, const IndexRecord& record, bool deep) {
  const bool archived = record.has(flag_bit::kArchived);
  fs::path file = paths.message(maildrop::Uid{record.uid}, archived);
  struct stat status = {};
  // Archiving moves a file before or after its record says so.
  if (::lstat(file.c_str(), &status) != 0) {
    file = paths.message(maildrop::Uid{record.uid}, !archived);
    if (::lstat(file.c_str(), &status) != 0) return "is missing";
  }
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  if (static_cast<std::uint64_t>(status.st_size) != record.size) {
    return "has " + std::to_string(status.st_size) + " octets, cyrus.index says " + std::to_string(record.size);
  }
  if (!deep) return {};
  const auto fd = base::open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  if (!fd) return "cannot be read";
  base::Sha1 sha1;
  std::vector<char> chunk(kChunk);
  for (std::uint64_t at = 0; at < record.size;) {
    const auto got = base::read_some(fd->value(), chunk, at, "message");
    if (!got || *got == 0) return "cannot be read";
    sha1.add({chunk.data(), *got});
    at += *got;
  }
  return sha1.finish() == record.guid ? std::string() : "is not what was delivered: another SHA-1";
}

/// The number of "17."; nullopt for another name.
std::optional<std::uint32_t> uid_of_file(std::string_view name) {
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
  if (error != std::errc{} || uid == 0 || end + 1 != name.data() + name.size() || *end != '.') return std::nullopt;
  return message_file_name(maildrop::Uid{uid}) == name ? std::optional(uid) : std::nullopt;
}

struct Directory {
  std::set<std::uint32_t> message_files;
  std::vector<std::string> odd;  ///< names that nobody knows
  std::vector<std::string> unfinished;
};

Directory read_directory(const fs::path& directory) {
  Directory found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (const auto uid = uid_of_file(name)) {
      found.message_files.insert(*uid);
    } else if (name.starts_with("cyrus.")) {
      if (name.ends_with(".NEW")) found.unfinished.push_back(name);
    } else if (std::error_code ignored; !at->is_directory(ignored)) {
      found.odd.push_back(name);
    }
  }
  return found;
}

/// UIDs whose files are wrong, or that have a file without a record, with what is wrong.
using Suspects = std::map<std::uint32_t, std::string>;

bool has_file(const IndexRecord& record) { return !record.has(flag_bit::kUnlinked); }

Suspects look_at_files(const Image& image, bool deep, const std::function<void()>& on_message) {
  Suspects suspects;
  std::set<std::uint32_t> known;
  for (const Message& message : image.messages) {
    known.insert(message.record.uid);
    if (!message.has_valid_crc || !has_file(message.record)) continue;
    if (std::string trouble = trouble_with_file(image.paths, message.record, deep); !trouble.empty()) {
      suspects.emplace(message.record.uid, std::move(trouble));
    }
    on_message();
  }
  for (const fs::path& directory : {image.paths.data_directory(), image.paths.archive_directory()}) {
    for (const std::uint32_t uid : read_directory(directory).message_files) {
      if (!known.contains(uid)) suspects.emplace(uid, "has no record in cyrus.index");
    }
    if (image.paths.archive_directory() == image.paths.data_directory()) break;
  }
  return suspects;
}

/// Under the locks: which of the suspects are still wrong.
base::Result<Suspects> still_wrong(const Suspects& suspects, const MailboxName& name, const StoreConfig& config,
                                   const MailboxList& mailboxes, bool deep) {
  const auto mailbox = open_mailbox(name, config, mailboxes, base::LockMode::shared);
  if (!mailbox) return tl::unexpected(mailbox.error());
  Image now(mailbox->record, mailbox->paths);
  if (const auto read = read_index(now, mailbox->locks.index_fd()); !read) return tl::unexpected(read.error());
  std::map<std::uint32_t, const Message*> messages;
  for (const Message& message : now.messages) messages.emplace(message.record.uid, &message);
  Suspects wrong;
  for (const auto& [uid, trouble] : suspects) {
    const auto found = messages.find(uid);
    if (found == messages.end()) {
      struct stat status = {};
      const bool there = ::lstat(now.paths.message(maildrop::Uid{uid}, false).c_str(), &status) == 0 ||
                         ::lstat(now.paths.message(maildrop::Uid{uid}, true).c_str(), &status) == 0;
      if (there) wrong.emplace(uid, "has no record in cyrus.index");
    } else if (has_file(found->second->record)) {
      if (std::string text = trouble_with_file(now.paths, found->second->record, deep); !text.empty()) {
        wrong.emplace(uid, std::move(text));
      }
    }
  }
  return wrong;
}

void check_directory(const Image& image, Findings& findings) {
  const Directory found = read_directory(image.paths.data_directory());
  for (const std::string& name : found.odd) findings.note(name + ": not a file of a mailbox");
  for (const std::string& name : found.unfinished) findings.note(name + ": was left unfinished");
}

}  // namespace

base::Result<MailboxReport> check_mailbox(const MailboxName& name, const StoreConfig& config,
                                          const MailboxList& mailboxes, const CheckOptions& options,
                                          const std::function<void()>& on_message) {
  MailboxReport report;
  Findings findings(name.intname());
  const auto image = read_image(name, config, mailboxes);
  if (!image) {
    if (image.error().code != Errc::corrupt && image.error().code != Errc::io) return tl::unexpected(image.error());
    findings.add(without_mailbox(image.error().text, name));
    report.problems = findings.take();
    return report;
  }
  for (const std::string& damage : image->damage) findings.add(damage);

  std::vector<std::string> user_flags;
  if (!image->header_file.empty()) {
    const auto header = parse_mailbox_header(image->header_file, "cyrus.header");
    if (header) {
      check_header_file(*image, *header, findings);
      user_flags = header->user_flags;
      report.quota_root = header->quota_root;
    } else {
      findings.add(header.error().text);
    }
  }
  if (image->header) {
    if (image->header->has_option(option_bit::kDeleted)) {
      return base::fail(Errc::not_found, "mailbox " + name.intname() + ": deleted, its files are about to go");
    }
    for (const Message& message : image->messages) {
      if (message.record.has(flag_bit::kExpunged)) continue;
      ++report.messages;
      report.octets += message.record.size;
    }
    check_records(*image, user_flags, findings);
    check_cache(*image, findings);
    const Suspects suspects = look_at_files(*image, options.deep, on_message);
    if (!suspects.empty()) {
      const auto wrong = still_wrong(suspects, name, config, mailboxes, options.deep);
      if (!wrong) return tl::unexpected(wrong.error());
      for (const auto& [uid, trouble] : *wrong) {
        findings.of_message(message_file_name(maildrop::Uid{uid}), uid, trouble);
      }
    }
  }
  check_directory(*image, findings);
  report.problems = findings.take();
  return report;
}

}  // namespace cyrus
