#include "support/store_checker.hpp"

#include "base/crc32.hpp"
#include "base/sha1.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>

namespace support {
namespace {

namespace fs = std::filesystem;
using Bytes = std::string;

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.native());
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const Bytes& bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.native());
}

std::uint64_t number(const Bytes& bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

void put(Bytes& bytes, std::size_t at, std::size_t width, std::uint64_t value) {
  for (std::size_t i = width; i-- > 0; value >>= 8) bytes.at(at + i) = static_cast<char>(value & 0xff);
}

void put_crc(Bytes& bytes) {
  put(bytes, bytes.size() - 4, 4, base::crc32(std::string_view(bytes).substr(0, bytes.size() - 4)));
}

bool has_crc(const Bytes& bytes) {
  return number(bytes, bytes.size() - 4, 4) == base::crc32(std::string_view(bytes).substr(0, bytes.size() - 4));
}

/// A column of the tables in doc/format/index.md. Width 0: not in this version.
struct Place {
  std::size_t at = 0;
  std::size_t width = 0;
};

using Fields = std::map<std::string, Place>;

struct Layout {
  std::size_t header_size;
  std::size_t record_size;
  Fields header;
  Fields record;
};

Layout layout_of(std::uint64_t version) {
  if (version == 20) {
    return {192,
            144,
            {{"last_uid", {88, 4}},
             {"quota_mailbox_used", {32, 8}},
             {"deleted", {48, 4}},
             {"answered", {52, 4}},
             {"flagged", {56, 4}},
             {"exists", {60, 4}},
             {"options", {64, 4}},
             {"highestmodseq", {72, 8}},
             {"header_file_crc", {96, 4}},
             {"sync_crc_basic", {100, 4}},
             {"sync_crc_annot", {120, 4}},
             {"unseen", {124, 4}},
             {"quota_deleted_used", {136, 8}},
             {"quota_expunged_used", {144, 8}},
             {"quota_annot_used", {152, 8}},
             {"first_expunged", {168, 8}}},
            {{"internaldate", {8, 8}},
             {"size", {24, 8}},
             {"flags", {36, 4}},
             {"user_flags", {40, 16}},
             {"guid", {60, 20}},
             {"modseq", {80, 8}},
             {"cid", {88, 8}},
             {"createdmodseq", {96, 8}},
             {"last_updated", {112, 8}},
             {"savedate", {120, 8}},
             {"basecid", {128, 8}}}};
  }
  Layout layout{version <= 13 ? std::size_t{128} : 160,
                version == 12   ? std::size_t{96}
                : version <= 15 ? 104
                                : 112,
                {{"last_uid", {28, 4}},
                 {"quota_mailbox_used", {32, 8}},
                 {"deleted", {48, 4}},
                 {"answered", {52, 4}},
                 {"flagged", {56, 4}},
                 {"header_file_crc", {96, 4}},
                 {"sync_crc_basic", {100, 4}}},
                {{"internaldate", {4, 4}},
                 {"size", {12, 4}},
                 {"last_updated", {28, 4}},
                 {"flags", {32, 4}},
                 {"user_flags", {36, 16}},
                 {"guid", {60, 20}},
                 {"modseq", {80, 8}}}};
  const auto header = [&layout](const char* name, std::size_t at, std::size_t width) {
    layout.header[name] = Place{at, width};
  };
  if (version == 19) {
    header("exists", 60, 4);
    header("options", 64, 4);
    header("highestmodseq", 72, 8);
    header("first_expunged", 88, 4);
    header("quota_deleted_used", 136, 8);
    header("quota_expunged_used", 144, 8);
  } else {
    header("options", 60, 4);
    header("highestmodseq", 68, 8);
    header("exists", 84, 4);
    header("first_expunged", 88, 4);
    if (version == 18) header("quota_deleted_used", 140, 8);
    if (version == 18) header("quota_expunged_used", 148, 8);
  }
  if (version >= 13) header("quota_annot_used", 116, 4);
  if (version >= 13) header("sync_crc_annot", 120, 4);
  if (version >= 14) header("unseen", 124, 4);
  if (version >= 13) layout.record["cid"] = {88, 8};
  if (version >= 15) layout.record["savedate"] = {52, 4};
  if (version >= 16) layout.record["createdmodseq"] = {96, 8};
  return layout;
}

std::uint64_t get(const Bytes& bytes, const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? 0 : number(bytes, found->second.at, found->second.width);
}

struct Index {
  std::uint64_t version = 0;
  Layout layout;
  Bytes header;
  std::vector<Bytes> records;
  Bytes rest;  // behind the last record
};

Index split(const Bytes& bytes) {
  if (bytes.size() < 24) throw std::runtime_error("cyrus.index: too short");
  Index index;
  index.version = number(bytes, 8, 4);
  if (index.version < 12 || index.version > 20) throw std::runtime_error("cyrus.index: version");
  index.layout = layout_of(index.version);
  const std::size_t start = index.layout.header_size;
  const std::size_t size = index.layout.record_size;
  const std::size_t count = number(bytes, 20, 4);
  if (number(bytes, 12, 4) != start || number(bytes, 16, 4) != size) throw std::runtime_error("cyrus.index: sizes");
  if (bytes.size() < start + count * size) throw std::runtime_error("cyrus.index: records are missing");
  index.header = bytes.substr(0, start);
  for (std::size_t i = 0; i < count; ++i) index.records.push_back(bytes.substr(start + i * size, size));
  index.rest = bytes.substr(start + count * size);
  return index;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

struct HeaderFile {
  std::string quota_root;
  std::vector<std::string> flags;
};

/// The plain names that tests use need no more than splitting at blanks.
HeaderFile read_header_file(const std::string& bytes) {
  constexpr std::size_t kMagic = 115;
  const std::string text = bytes.substr(std::min(kMagic, bytes.size()));
  HeaderFile out;
  const auto words = [&out](const std::string& line) {
    std::size_t at = 0;
    while (at < line.size()) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      out.flags.push_back(line.substr(at, end - at));
      at = end + 1;
    }
  };
  if (text.starts_with("%(")) {
    if (const auto at = text.find(" Q "); at != std::string::npos) {
      out.quota_root = text.substr(at + 3, text.find_first_of(" )", at + 3) - at - 3);
      std::erase(out.quota_root, '"');
    }
    if (const auto at = text.find(" U ("); at != std::string::npos)
      words(text.substr(at + 4, text.find(')', at) - at - 4));
    for (std::string& flag : out.flags) {
      if (flag == "NIL") flag.clear();
    }
    return out;
  }
  const std::string first = text.substr(0, text.find('\n'));
  out.quota_root = first.substr(0, first.find('\t'));
  const std::string second = text.substr(first.size() + 1, text.find('\n', first.size() + 1) - first.size() - 1);
  words(second);
  return out;
}

struct Annotation {
  std::string entry;
  std::string userid;
  std::string value;
};

std::map<std::uint64_t, std::vector<Annotation>> read_annotations(const fs::path& file) {
  std::map<std::uint64_t, std::vector<Annotation>> found;
  if (!fs::exists(file)) return found;
  const Bytes bytes = read(file);
  const cyrus::ReadAt reader = [&bytes](std::span<unsigned char> into,
                                        std::uint64_t offset) -> base::Result<std::size_t> {
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::memcpy(into.data(), bytes.data() + offset, count);
    return count;
  };
  const auto db = cyrus::TwoskipReader::open(reader, bytes.size(), file.native());
  if (!db) throw std::runtime_error(db.error().text);
  const auto walked = db->walk([&](cyrus::TwoskipItem&& item) {
    const std::string& key = item.key;
    const auto uid_end = key.find('\0');
    const auto entry_end = key.find('\0', uid_end + 1);
    Annotation annotation{key.substr(uid_end + 1, entry_end - uid_end - 1),
                          key.substr(entry_end + 1, key.size() - entry_end - 2), ""};
    const std::size_t length = number(item.value, 0, 4);
    annotation.value = item.value.substr(8, length);
    // length, value, NUL, "text/plain", NUL, time, modseq, flags
    const std::size_t flags_at = item.value.find('\0', 8 + length + 1) + 1 + 16;
    const bool gone = flags_at < item.value.size() && (item.value[flags_at] & 1) != 0;
    if (!gone) found[std::stoull(key.substr(0, uid_end))].push_back(annotation);
    return true;
  });
  if (!walked) throw std::runtime_error(walked.error().text);
  return found;
}

constexpr std::uint64_t kExpunged = std::uint64_t{1} << 31;
constexpr std::uint64_t kUnlinked = std::uint64_t{1} << 30;
constexpr std::uint64_t kNeedsCleanup = std::uint64_t{1} << 28;

std::string hex(std::uint64_t value, int digits) {
  std::ostringstream out;
  out << std::hex << value;
  std::string text = out.str();
  while (text.size() < static_cast<std::size_t>(digits)) text.insert(0, "0");
  return text;
}

/// What the header should say.
std::map<std::string, std::uint64_t> expected_header(const MailboxFiles& files, const Index& index) {
  const Bytes header_text = read(files.header);
  const HeaderFile header_file = read_header_file(header_text);
  const auto annotations = read_annotations(files.annotations);
  const std::uint64_t per_second = index.version == 20 ? 1'000'000'000 : 1;
  std::map<std::string, std::uint64_t> expected;
  for (const char* name : {"exists", "quota_mailbox_used", "deleted", "answered", "flagged", "unseen", "sync_crc_basic",
                           "quota_annot_used", "quota_deleted_used", "quota_expunged_used"}) {
    expected[name] = 0;
  }
  expected["quota_annot_used"] = files.annotation_octets;
  expected["sync_crc_annot"] = 12345678;
  expected["header_file_crc"] = base::crc32(header_text);
  for (const Bytes& record : index.records) {
    const auto field = [&](const char* name) { return get(record, index.layout.record, name); };
    const std::uint64_t uid = number(record, 0, 4);
    const std::uint64_t flags = field("flags");
    if ((flags & kExpunged) != 0) {
      if ((flags & kUnlinked) == 0) expected["quota_expunged_used"] += field("size");
      continue;
    }
    expected["exists"] += 1;
    expected["quota_mailbox_used"] += field("size");
    expected["answered"] += flags & 1;
    expected["flagged"] += flags >> 1 & 1;
    expected["deleted"] += flags >> 2 & 1;
    expected["unseen"] += 1 - (flags >> 4 & 1);
    if ((flags & 4) != 0) expected["quota_deleted_used"] += field("size");

    std::uint32_t flag_crc = 0;
    const char* names[] = {"\\answered", "\\flagged", "\\deleted", "\\draft", "\\seen"};
    for (std::size_t bit = 0; bit < 5; ++bit) {
      if ((flags >> bit & 1) != 0) flag_crc ^= base::crc32(std::string_view(names[bit]));
    }
    const std::size_t user_flags_at = index.layout.record.at("user_flags").at;
    for (std::size_t slot = 0; slot < header_file.flags.size(); ++slot) {
      if (header_file.flags[slot].empty()) continue;
      if ((number(record, user_flags_at + slot / 32 * 4, 4) >> slot % 32 & 1) == 0) continue;
      flag_crc ^= base::crc32(lower(header_file.flags[slot]));
    }
    std::ostringstream text;
    text << uid << ' ' << field("modseq") << ' ' << field("last_updated") / per_second << " (" << flag_crc << ") "
         << field("internaldate") / per_second << ' ';
    const std::size_t guid_at = index.layout.record.at("guid").at;
    for (std::size_t i = 0; i < 20; ++i) text << hex(number(record, guid_at + i, 1), 2);
    expected["sync_crc_basic"] ^= base::crc32(text.str());

    const auto annotate = [&](const std::string& entry, const std::string& userid, const std::string& value) {
      expected["sync_crc_annot"] ^= base::crc32(std::to_string(uid) + ' ' + entry + ' ' + userid + ' ' + value);
    };
    const std::string prefix = "/vendor/cmu/cyrus-imapd/";
    if (const auto cid = field("cid"); cid != 0) annotate(prefix + "thrid", "", hex(cid, index.version == 20 ? 16 : 1));
    if (const auto saved = field("savedate") / per_second; saved != 0) {
      annotate(prefix + "savedate", "", std::to_string(saved));
    }
    if (const auto created = field("createdmodseq"); created != 0) {
      annotate(prefix + "createdmodseq", "", std::to_string(created));
    }
    if (const auto fraction = field("internaldate") % per_second; fraction != 0) {
      annotate(prefix + "internaldate.nsec", "", std::to_string(fraction));
    }
    if (const auto cid = field("basecid"); cid != 0) annotate(prefix + "basethrid", "", hex(cid, 16));
    const auto stored = annotations.find(uid);
    if (stored == annotations.end()) continue;
    for (const Annotation& annotation : stored->second) {
      annotate(annotation.entry, annotation.userid == "[.OwNeR.]" ? files.owner : annotation.userid, annotation.value);
      expected["quota_annot_used"] += annotation.value.size();
    }
  }
  return expected;
}

struct Totals {
  std::uint64_t storage = 0;
  std::uint64_t messages = 0;
  std::uint64_t annotations = 0;
  std::uint64_t folders = 0;
};

/// The numbers behind ` KEY (` in a quota file.
std::optional<std::uint64_t> quota_number(const std::string& text, const std::string& key) {
  const auto at = text.find(key + " (");
  if (at == std::string::npos) return std::nullopt;
  return std::stoull(text.substr(at + key.size() + 2));
}

std::string directory_letter(std::string_view name, bool full) {
  if (full) {
    std::uint32_t n = 0;
    for (const char c : name.substr(0, name.find('.'))) n = ((n << 3) ^ (n >> 5)) ^ static_cast<unsigned char>(c);
    return std::string(1, static_cast<char>('A' + n % 23));
  }
  const char c = name.empty() ? 'q' : name.front();
  return std::string(1, c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c >= 'a' && c <= 'z' ? c : 'q');
}

fs::path quota_file(const cyrus::StoreConfig& config, const std::string& root) {
  const auto bang = root.find('!');
  const std::string rest = bang == std::string::npos ? root : root.substr(bang + 1);
  fs::path directory = config.config_directory;
  if (bang != std::string::npos) {
    const std::string domain = root.substr(0, bang);
    directory = directory / "domain" / directory_letter(domain, config.full_dir_hash) / domain;
  }
  const auto dot = rest.find('.');
  const std::string hashed = dot == std::string::npos ? rest : rest.substr(dot + 1);
  return directory / "quota" / directory_letter(hashed, config.full_dir_hash) / rest;
}

std::vector<cyrus::MailboxRecord> mailboxes(const cyrus::StoreConfig& config) {
  std::vector<cyrus::MailboxRecord> found;
  const auto walked = cyrus::MailboxList(config).for_each([&](base::Result<cyrus::MailboxRecord> record) {
    if (!record) throw std::runtime_error(record.error().text);
    if (record->usable()) found.push_back(std::move(*record));
    return true;
  });
  if (!walked) throw std::runtime_error(walked.error().text);
  return found;
}

MailboxFiles files_of(const cyrus::StoreConfig& config, const cyrus::MailboxRecord& record) {
  const auto paths = cyrus::MailboxPaths::of(record, config);
  if (!paths) throw std::runtime_error(paths.error().text);
  std::uint64_t annotation_octets = 0;
  if (const auto annotations = cyrus::mailbox_annotations(record.uniqueid, config)) {
    for (const auto& annotation : *annotations) annotation_octets += annotation.value.size();
  }
  return MailboxFiles{record.name.userid(),
                      paths->file(cyrus::MetaFile::index),
                      paths->file(cyrus::MetaFile::header),
                      paths->file(cyrus::MetaFile::annotations),
                      paths->data_directory(),
                      paths->archive_directory(),
                      annotation_octets};
}

std::map<std::string, Totals> quota_totals(const cyrus::StoreConfig& config) {
  std::map<std::string, Totals> totals;
  for (const auto& record : mailboxes(config)) {
    const MailboxFiles files = files_of(config, record);
    const std::string root = read_header_file(read(files.header)).quota_root;
    if (root.empty()) continue;
    const Index index = split(read(files.index));
    Totals& sum = totals[root];
    sum.storage += get(index.header, index.layout.header, "quota_mailbox_used");
    sum.messages += get(index.header, index.layout.header, "exists");
    sum.annotations += get(index.header, index.layout.header, "quota_annot_used");
    sum.folders += 1;
  }
  return totals;
}

}  // namespace

std::vector<std::string> check_mailbox(const MailboxFiles& files) {
  std::vector<std::string> complaints;
  const auto complain = [&](const std::string& text) { complaints.push_back(files.index.native() + ": " + text); };
  Index index;
  try {
    index = split(read(files.index));
  } catch (const std::exception& error) {
    complain(error.what());
    return complaints;
  }
  if (!has_crc(index.header)) complain("header CRC");
  const auto header = [&](const std::string& name) { return get(index.header, index.layout.header, name); };
  std::uint64_t previous = 0;
  std::uint64_t first_expunged = 0;
  for (const Bytes& record : index.records) {
    const std::uint64_t uid = number(record, 0, 4);
    const std::string who = "UID " + std::to_string(uid) + ": ";
    const auto field = [&](const char* name) { return get(record, index.layout.record, name); };
    const std::uint64_t flags = field("flags");
    if (!has_crc(record)) complain(who + "record CRC");
    if (uid <= previous) complain(who + "after UID " + std::to_string(previous));
    if (uid > header("last_uid")) complain(who + "above last_uid");
    if (field("modseq") > header("highestmodseq")) complain(who + "modseq from the future");
    if ((flags & kUnlinked) != 0 && (flags & kExpunged) == 0) complain(who + "unlinked but not expunged");
    if ((flags & kNeedsCleanup) != 0 && (header("options") >> 29 & 1) == 0) complain(who + "nobody will clean it up");
    if ((flags & kExpunged) != 0) {
      const std::uint64_t updated = field("last_updated");
      first_expunged = first_expunged == 0 ? updated : std::min(first_expunged, updated);
    }
    if ((flags & kUnlinked) == 0) {
      const std::string name = std::to_string(uid) + '.';
      fs::path file = files.data_directory / name;
      if (!fs::exists(file)) file = files.archive_directory / name;
      if (!fs::exists(file)) {
        complain(who + "no message file");
      } else if (fs::file_size(file) != field("size")) {
        complain(who + "message file of another size");
      }
    }
    previous = uid;
  }
  if (first_expunged != 0 && (header("first_expunged") == 0 || header("first_expunged") > first_expunged)) {
    complain("first_expunged " + std::to_string(header("first_expunged")) + ", a record has " +
             std::to_string(first_expunged));
  }
  for (const auto& [name, value] : expected_header(files, index)) {
    if (!index.layout.header.contains(name) || header(name) == value) continue;
    complain(name + " is " + std::to_string(header(name)) + ", should be " + std::to_string(value));
  }
  return complaints;
}

std::vector<std::string> check_delivered(const MailboxFiles& files, std::uint32_t uid) {
  std::vector<std::string> complaints;
  const auto complain = [&](const std::string& text) {
    complaints.push_back(files.index.native() + ": UID " + std::to_string(uid) + ": " + text);
  };
  const Index index = split(read(files.index));
  std::set<std::string> names;
  Bytes record;
  for (const Bytes& one : index.records) {
    names.insert(std::to_string(number(one, 0, 4)) + '.');
    if (number(one, 0, 4) == uid) record = one;
  }
  for (const auto& entry : fs::directory_iterator(files.data_directory)) {
    const std::string name = entry.path().filename();
    const bool is_message = name.ends_with('.') && name.find_first_not_of("0123456789.") == std::string::npos;
    if (is_message && !names.contains(name)) complain(name + " has no record");
  }
  if (record.empty()) {
    complain("no record");
    return complaints;
  }
  const Bytes text = read(files.data_directory / (std::to_string(uid) + '.'));
  const auto guid = base::sha1(text);
  if (!std::equal(guid.begin(), guid.end(), record.begin() + 60,
                  [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); })) {
    complain("another GUID");
  }
  const bool is_newest = index.version == 20;
  const std::size_t end = text.find("\r\n\r\n");
  const std::uint64_t header_size = end == std::string::npos ? text.size() : end + 4;
  if (number(record, is_newest ? 32 : 16, 4) != header_size) complain("another header size");

  const std::uint64_t word = number(record, 56, 4);
  const std::uint64_t offset = (word >> 16) << 32 | number(record, is_newest ? 4 : 24, 4);
  const std::size_t crc_at = is_newest ? 136 : index.version == 12 ? 88 : index.version <= 15 ? 96 : 104;
  if ((word & 0xffff) != 11) complain("cache version " + std::to_string(word & 0xffff));
  const Bytes cache = read(files.index.parent_path() / "cyrus.cache");
  if (offset < 4 || offset % 4 != 0 || offset >= cache.size()) {
    complain("cache offset " + std::to_string(offset));
    return complaints;
  }
  std::size_t at = offset;
  for (int item = 0; item < 10; ++item) {
    if (at + 4 > cache.size()) break;
    at += 4 + (number(cache, at, 4) + 3) / 4 * 4;
  }
  if (at > cache.size()) {
    complain("the cache ends within its record");
  } else if (base::crc32(std::string_view(cache).substr(offset, at - offset)) != number(record, crc_at, 4)) {
    complain("cache CRC");
  }
  if (cache.at(offset + 4) != '(') complain("no ENVELOPE");
  return complaints;
}

void make_consistent(const MailboxFiles& files) {
  Index index = split(read(files.index));
  std::uint64_t highest = 1;
  std::uint64_t first_expunged = 0;
  bool cleanup = false;
  for (Bytes& record : index.records) {
    for (const char* name : {"modseq", "createdmodseq"}) {
      const auto place = index.layout.record.find(name);
      if (place == index.layout.record.end()) continue;
      put(record, place->second.at, 8, number(record, place->second.at, 8) >> 16);
    }
    put_crc(record);
    highest = std::max(highest, get(record, index.layout.record, "modseq"));
    const std::uint64_t flags = get(record, index.layout.record, "flags");
    cleanup = cleanup || (flags & kNeedsCleanup) != 0;
    if ((flags & kExpunged) == 0) continue;
    const std::uint64_t updated = get(record, index.layout.record, "last_updated");
    first_expunged = first_expunged == 0 ? updated : std::min(first_expunged, updated);
  }
  auto values = expected_header(files, index);
  values["highestmodseq"] = highest;
  values["first_expunged"] = first_expunged;
  values["options"] = get(index.header, index.layout.header, "options") | (cleanup ? std::uint64_t{1} << 29 : 0);
  for (const auto& [name, value] : values) {
    const auto place = index.layout.header.find(name);
    if (place != index.layout.header.end()) put(index.header, place->second.at, place->second.width, value);
  }
  put_crc(index.header);
  Bytes bytes = index.header;
  for (const Bytes& record : index.records) bytes += record;
  write(files.index, bytes + index.rest);
}

MailboxFiles mailbox_files(const cyrus::StoreConfig& config, const std::string& intname) {
  for (const auto& record : mailboxes(config)) {
    if (record.name.intname() == intname) return files_of(config, record);
  }
  throw std::runtime_error("no mailbox " + intname);
}

std::vector<std::string> check_store(const cyrus::StoreConfig& config) {
  std::vector<std::string> complaints;
  for (const auto& record : mailboxes(config)) {
    for (std::string& complaint : check_mailbox(files_of(config, record))) complaints.push_back(std::move(complaint));
  }
  for (const auto& [root, totals] : quota_totals(config)) {
    const fs::path file = quota_file(config, root);
    if (!fs::exists(file)) continue;  // its usage is not kept
    const std::string text = read(file);
    const std::pair<const char*, std::uint64_t> wanted[] = {
        {"S", totals.storage}, {"M", totals.messages}, {"AS", totals.annotations}, {"NF", totals.folders}};
    for (const auto& [key, value] : wanted) {
      // " S (" and not the end of "AS (".
      const auto found = quota_number(text, (key[0] == 'S' ? "(" : " ") + std::string(key));
      if (found == value) continue;
      complaints.push_back(file.native() + ": " + key + " should be " + std::to_string(value) + " in " + text);
    }
  }
  return complaints;
}

void write_quota_files(const cyrus::StoreConfig& config) {
  for (const auto& [root, totals] : quota_totals(config)) {
    const fs::path file = quota_file(config, root);
    fs::create_directories(file.parent_path());
    std::ostringstream text;
    text << "%(S (" << totals.storage << " 100000) M (" << totals.messages << ") AS (" << totals.annotations << ") NF ("
         << totals.folders << ") MODSEQ 7)\n";
    write(file, text.str());
  }
}

}  // namespace support
