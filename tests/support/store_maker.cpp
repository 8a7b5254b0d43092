#include "support/store_maker.hpp"

#include "base/crc32.hpp"
#include "support/index_writer.hpp"
#include "support/twoskip_writer.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <stdexcept>
#include <string_view>

namespace support {
namespace {

namespace fs = std::filesystem;
using cyrus::flag_bit::kArchived;
using cyrus::flag_bit::kDeleted;
using cyrus::flag_bit::kExpunged;
using cyrus::flag_bit::kSeen;
using cyrus::flag_bit::kUnlinked;

void write_file(const fs::path& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.native());
}

std::string with(std::string text, char from, char to) {
  std::ranges::replace(text, from, to);
  return text;
}

/// local part and domain
std::pair<std::string, std::string> split_userid(const std::string& userid) {
  const auto at = userid.rfind('@');
  if (at == std::string::npos) return {userid, ""};
  return {userid.substr(0, at), userid.substr(at + 1)};
}

std::string make_intname(const std::string& userid, const std::string& folder) {
  const auto [local, domain] = split_userid(userid);
  return (domain.empty() ? "" : domain + '!') + "user." + with(local, '.', '^') + (folder.empty() ? "" : '.' + folder);
}

std::string make_dbname(const std::string& userid, const std::string& folder) {
  const auto [local, domain] = split_userid(userid);
  std::string name = "user\x1f" + local;
  if (!folder.empty()) name += '\x1f' + with(folder, '.', '\x1f');
  return domain.empty() ? name : domain + '\x1d' + name;
}

std::string hash_directory(std::string_view name, bool full) {
  if (!full) {
    const char first = name.empty() ? 'q' : name.front();
    if (first >= 'a' && first <= 'z') return std::string(1, first);
    if (first >= 'A' && first <= 'Z') return std::string(1, static_cast<char>(first - 'A' + 'a'));
    return "q";
  }
  std::uint32_t n = 0;
  for (const char c : name.substr(0, name.find('.'))) n = ((n << 3) ^ (n >> 5)) ^ static_cast<unsigned char>(c);
  return std::string(1, static_cast<char>('A' + n % 23));
}

std::string acl_dlist(const std::string& userid) { return "%(" + dlist_string(userid) + " lrswipkxtecdan)"; }

}  // namespace

StoreShape random_shape(Random& random) {
  StoreShape shape;
  shape.hash_spool = chance(random, 50);
  shape.full_dir_hash = chance(random, 50);
  shape.list = static_cast<StoreShape::List>(chance(random, 60) ? 0 : pick(random, 1, 2));
  shape.legacy = shape.list != StoreShape::List::by_name || chance(random, 30);
  shape.header_in_metapartition = chance(random, 30);
  shape.index_in_metapartition = chance(random, 30);
  shape.archive = chance(random, 40);
  shape.unix_hierarchy_sep = chance(random, 70);
  shape.pop_use_imap_flags = chance(random, 50);
  shape.old_header_file = shape.list != StoreShape::List::by_name || chance(random, 20);
  shape.uidl_format = static_cast<cyrus::UidlFormat>(pick(random, 0, 3));
  return shape;
}

StoreMaker::StoreMaker(fs::path root, const StoreShape& shape, std::uint64_t seed)
    : root_(std::move(root)), shape_(shape), random_(seed) {
  for (const char* directory : {"conf", "spool", "lock"}) fs::create_directories(root_ / directory);
}

const MadeMailbox& StoreMaker::add(const std::string& userid, const std::string& folder, std::size_t messages) {
  MadeMailbox& mailbox = mailboxes_.emplace_back();
  mailbox.userid = userid;
  mailbox.folder = folder;
  mailbox.index_version =
      shape_.index_version != 0 ? shape_.index_version : static_cast<std::uint32_t>(pick(random_, 12, 20));
  mailbox.uidvalidity = static_cast<std::uint32_t>(pick(random_, 1, 0xffffffff));
  mailbox.generation = static_cast<std::uint32_t>(pick(random_, 0, 5));
  mailbox.options = chance(random_, 70) ? 1 : 0;
  if (mailbox.index_version >= 13 && chance(random_, 30)) mailbox.show_after = 1'700'000'000;

  std::uint32_t uid = chance(random_, 10) ? 4'000'000'000 : 0;
  for (std::size_t i = 0; i < messages; ++i) {
    uid += static_cast<std::uint32_t>(chance(random_, 70) ? 1 : pick(random_, 2, 1000));
    MadeMessage message;
    message.uid = uid;
    message.internaldate = pick(random_, 1'699'999'998, 1'700'000'003);
    for (const auto flag : {std::uint32_t{1}, std::uint32_t{2}, std::uint32_t{8}, kSeen}) {
      if (chance(random_, 30)) message.flags |= flag;
    }
    if (chance(random_, 20)) message.flags |= kDeleted;
    if (chance(random_, 20)) message.flags |= kExpunged | (chance(random_, 50) ? kUnlinked : 0);
    if (shape_.archive && chance(random_, 40)) message.flags |= kArchived;
    message.text = random_text(pick(random_, 20, 3000));
    mailbox.messages.push_back(std::move(message));
  }
  write(mailbox, true);
  return mailbox;
}

const MadeMailbox& StoreMaker::add_plain(const std::string& userid, std::size_t messages) {
  MadeMailbox& mailbox = mailboxes_.emplace_back();
  mailbox.userid = userid;
  mailbox.uidvalidity = 1'795'000'000;
  for (std::size_t i = 0; i < messages; ++i) {
    MadeMessage message;
    message.uid = static_cast<std::uint32_t>(i + 1);
    message.internaldate = 1'790'000'000 + i;
    // Mostly small, sometimes of the size of an attachment: what POP3 servers see.
    message.text = random_text(chance(random_, 95) ? pick(random_, 500, 8'000) : pick(random_, 8'000, 200'000));
    mailbox.messages.push_back(std::move(message));
  }
  write(mailbox, false);
  return mailbox;
}

fs::path StoreMaker::directory(const fs::path& root, const MadeMailbox& mailbox) const {
  if (!mailbox.legacy) {
    return root / "uuid" / mailbox.uniqueid.substr(0, 1) / mailbox.uniqueid.substr(1, 1) / mailbox.uniqueid;
  }
  const auto [local, domain] = split_userid(mailbox.userid);
  fs::path path = root;
  if (!domain.empty()) {
    path /= "domain";
    if (shape_.hash_spool) path /= hash_directory(domain, shape_.full_dir_hash);
    path /= domain;
  }
  const std::string owner = with(local, '.', '^');
  if (shape_.hash_spool) path /= hash_directory(owner, shape_.full_dir_hash);
  path = path / "user" / owner;
  return mailbox.folder.empty() ? path : path / with(mailbox.folder, '.', '/');
}

void StoreMaker::write(MadeMailbox& mailbox, bool odd) {
  mailbox.intname = make_intname(mailbox.userid, mailbox.folder);
  mailbox.legacy = shape_.legacy;
  for (int i = 0; i < 24; ++i) {
    mailbox.uniqueid += "abcdefghijklmnopqrstuvwxyz0123456789"[pick(random_, 0, 35)];
  }
  mailbox.data_directory = directory(root_ / "spool", mailbox);
  fs::create_directories(mailbox.data_directory);
  const fs::path meta_directory = directory(root_ / "meta", mailbox);
  if (shape_.header_in_metapartition || shape_.index_in_metapartition) fs::create_directories(meta_directory);
  mailbox.header_file = (shape_.header_in_metapartition ? meta_directory : mailbox.data_directory) / "cyrus.header";
  mailbox.index_file = (shape_.index_in_metapartition ? meta_directory : mailbox.data_directory) / "cyrus.index";

  place_files(mailbox, odd);
  const std::string header = header_file(mailbox, odd);
  write_file(mailbox.header_file, header);
  write_file(mailbox.index_file, index_file(mailbox, header, odd));
}

void StoreMaker::place_files(MadeMailbox& mailbox, bool odd) {
  const fs::path archive = directory(root_ / "archive", mailbox);
  for (MadeMessage& message : mailbox.messages) {
    if ((message.flags & kUnlinked) != 0) continue;
    // An archived message may still be in the data root: nothing was moved when the option was set later.
    const bool in_archive = (message.flags & kArchived) != 0 && (!odd || chance(random_, 80));
    if (in_archive) fs::create_directories(archive);
    message.file = (in_archive ? archive : mailbox.data_directory) / (std::to_string(message.uid) + '.');
    write_file(message.file, message.text);
  }
}

std::string StoreMaker::header_file(const MadeMailbox& mailbox, bool odd) {
  const bool has_quota = odd && chance(random_, 50);
  const bool has_flags = odd && chance(random_, 50);
  std::string text("\xa1\x02\x8b\x0d", 4);
  text +=
      "Cyrus mailbox header\n"
      "\"The best thing about this system was that it had lots of goals.\"\n"
      "\t--Jim Morris on Andrew\n";
  if (shape_.old_header_file) {
    if (has_quota) text += mailbox.intname;
    text += '\t' + mailbox.uniqueid + '\n';
    if (has_flags) text += "$Label1  Work";
    return text + '\n' + mailbox.userid + "\tlrswipkxtecdan\tanyone\tp\t\n";
  }
  text += std::string("%(T ") + (mailbox.legacy ? "el" : "e") + " N " + dlist_string(mailbox.intname) + " I " +
          mailbox.uniqueid;
  if (has_quota) text += " Q " + dlist_string(mailbox.intname);
  text += " A " + acl_dlist(mailbox.userid);
  if (has_flags) text += " U ($Label1 NIL Work)";
  return text + ")\n";
}

std::string StoreMaker::index_file(const MadeMailbox& mailbox, const std::string& header_text, bool odd) {
  const std::uint32_t version = mailbox.index_version;
  cyrus::IndexHeader header;
  if (odd) {
    header = random_header(random_, version);
  } else {
    header.minor_version = version;
    header.highestmodseq = mailbox.messages.size() + 1;
    header.createdmodseq = 1;
    header.changes_epoch.seconds = mailbox.uidvalidity;
    header.sync_crc_annot = 12345678;
  }
  header.generation_no = mailbox.generation;
  header.num_records = static_cast<std::uint32_t>(mailbox.messages.size());
  header.last_uid = mailbox.messages.empty() ? 0 : mailbox.messages.back().uid;
  header.uidvalidity = mailbox.uidvalidity;
  header.options = mailbox.options;
  header.pop3_show_after = {mailbox.show_after, 0};
  header.header_file_crc = base::crc32(header_text);
  header.exists = header.deleted = header.answered = header.flagged = header.unseen = 0;
  header.quota_mailbox_used = 0;
  for (const MadeMessage& message : mailbox.messages) {
    if ((message.flags & kExpunged) != 0) continue;
    header.exists += 1;
    header.quota_mailbox_used += message.text.size();
    header.answered += message.flags & 1;
    header.flagged += (message.flags >> 1) & 1;
    header.deleted += (message.flags >> 2) & 1;
    if (version >= 14) header.unseen += (message.flags & kSeen) == 0;
  }

  std::string bytes = index_header_bytes(header);
  for (const MadeMessage& message : mailbox.messages) {
    cyrus::IndexRecord record;
    if (odd) {
      record = random_record(random_, version);
    } else {
      record.sentdate.seconds = record.gmtime.seconds = record.last_updated.seconds = message.internaldate;
      record.savedate.seconds = message.internaldate;
      record.modseq = record.createdmodseq = message.uid + 1;
    }
    record.uid = message.uid;
    record.flags = message.flags;
    record.internaldate.seconds = message.internaldate;
    record.size = message.text.size();
    const auto body = message.text.find("\r\n\r\n");
    record.header_size = static_cast<std::uint32_t>(body == std::string::npos ? message.text.size() : body + 4);
    bytes += index_record_bytes(version, record);
  }
  // What a crash in the middle of an append leaves.
  if (odd && chance(random_, 30)) bytes.append(pick(random_, 1, 200), '\x5a');
  return bytes;
}

std::string StoreMaker::random_text(std::size_t octets) {
  std::string text = "From: Sender <sender@sample.example>\r\nSubject: message " + std::to_string(random_() % 100'000) +
                     "\r\nDate: Mon, 02 Nov 2026 01:00:00 +0000\r\n\r\n";
  constexpr std::string_view kLetters = "etaoin shrdlu cmfwyp .0123456789";
  while (text.size() + 2 < octets) {
    const std::size_t length = std::min<std::size_t>(pick(random_, 0, 76), octets - text.size() - 2);
    if (length > 0 && chance(random_, 5)) text += '.';  // a line that has to be dot-stuffed
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < length; ++i) {
      if (i % 12 == 0) bits = random_();
      text += kLetters[bits & 31];
      bits >>= 5;
    }
    text += "\r\n";
  }
  return text;
}

void StoreMaker::finish() {
  std::map<std::string, std::string> records = extra_records_;
  for (const MadeMailbox& mailbox : mailboxes_) {
    const std::string validity = std::to_string(mailbox.uidvalidity);
    const std::string dbname = make_dbname(mailbox.userid, mailbox.folder);
    const std::string type = mailbox.legacy ? "el" : "e";
    const std::string rest = " P default V " + validity + " C 1 F 1 M 1795382167 A " + acl_dlist(mailbox.userid);
    switch (shape_.list) {
      case StoreShape::List::by_name:
        records["N" + dbname] = "%(T " + type + " I " + mailbox.uniqueid + rest + ")";
        records["I" + mailbox.uniqueid] = "%(T " + type + " N " + dlist_string(dbname) + rest + " H ())";
        break;
      case StoreShape::List::plain_dlist:
        records[mailbox.intname] = "%(I " + mailbox.uniqueid + rest + ")";
        break;
      case StoreShape::List::text:
        records[mailbox.intname] = "0 default " + mailbox.userid + "\tlrswipkxtecdan\t";
        break;
    }
  }
  write_file(root_ / "conf" / "mailboxes.db", twoskip_bytes(records, random_));

  const auto yes_no = [](bool on) { return on ? "yes\n" : "no\n"; };
  constexpr std::string_view kFormats[] = {"uidonly", "cyrus", "dovecot", "courier"};
  const std::string root = root_.native();
  std::string conf = "configdirectory: " + root + "/conf\ndefaultpartition: default\npartition-default: " + root +
                     "/spool\nmboxname_lockpath: " + root + "/lock\n";
  conf += std::string("hashimapspool: ") + yes_no(shape_.hash_spool);
  conf += std::string("fulldirhash: ") + yes_no(shape_.full_dir_hash);
  conf += std::string("unixhierarchysep: ") + yes_no(shape_.unix_hierarchy_sep);
  conf += std::string("popuseimapflags: ") + yes_no(shape_.pop_use_imap_flags);
  conf += "popsubfolders: yes\nvirtdomains: userid\nallowplaintext: yes\n";
  conf += "uidl_format: " + std::string(kFormats[static_cast<int>(shape_.uidl_format)]) + '\n';
  if (shape_.header_in_metapartition || shape_.index_in_metapartition) {
    conf += "metapartition-default: " + root + "/meta\nmetapartition_files:";
    if (shape_.header_in_metapartition) conf += " header";
    if (shape_.index_in_metapartition) conf += " index";
    conf += '\n';
  }
  if (shape_.archive) conf += "archivepartition-default: " + root + "/archive\narchive_enabled: yes\n";
  write_file(root_ / "imapd.conf", conf);
}

cyrus::StoreConfig StoreMaker::config() const {
  cyrus::StoreConfig config;
  config.config_directory = root_ / "conf";
  config.mailboxes_db = root_ / "conf" / "mailboxes.db";
  config.quota_db = root_ / "conf" / "quota";
  config.statuscache_db = root_ / "conf" / "statuscache.db";
  config.partitions["default"] = root_ / "spool";
  config.lock_path = root_ / "lock";
  config.hash_spool = shape_.hash_spool;
  config.full_dir_hash = shape_.full_dir_hash;
  config.unix_hierarchy_sep = shape_.unix_hierarchy_sep;
  config.pop_use_imap_flags = shape_.pop_use_imap_flags;
  config.virtual_domains = cyrus::VirtualDomains::userid;
  config.uidl_format = shape_.uidl_format;
  if (shape_.header_in_metapartition || shape_.index_in_metapartition) {
    config.metapartitions["default"] = root_ / "meta";
    if (shape_.header_in_metapartition) config.metapartition_files.insert(cyrus::MetaFile::header);
    if (shape_.index_in_metapartition) config.metapartition_files.insert(cyrus::MetaFile::index);
  }
  if (shape_.archive) config.archive_partitions["default"] = root_ / "archive";
  return config;
}

}  // namespace support
