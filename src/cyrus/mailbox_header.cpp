#include "cyrus/mailbox_header.hpp"

#include "cyrus/dlist.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace cyrus {
namespace {

using namespace std::string_view_literals;

tl::unexpected<base::Error> corrupt(std::string_view what, std::string_view text) {
  return base::fail(base::Errc::corrupt, std::string(what) + ": " + std::string(text) + "; run reconstruct");
}

/// The text before the next `end`, which is taken away with it; nullopt when there is no `end`.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view piece = text.substr(0, at);
  text.remove_prefix(at + 1);
  return piece;
}

base::Result<MailboxHeader> parse_dlist_form(std::string_view line, std::string_view what) {
  const auto list = parse_dlist(line);
  if (!list) return corrupt(what, list.error().text);
  if (list->kind != Dlist::Kind::fields) return corrupt(what, "not a list of fields");

  const auto text = [&list](std::string_view key) { return std::string(list->string(key).value_or("")); };
  MailboxHeader header;
  header.type = text("T");
  header.intname = text("N");
  header.uniqueid = text("I");
  header.jmap_id = text("J");
  header.quota_root = text("Q");
  if (header.uniqueid.empty()) return corrupt(what, "no uniqueid");

  if (const Dlist* acl = list->find("A")) {
    if (acl->kind != Dlist::Kind::fields) return corrupt(what, "the access list is no list of fields");
    for (std::size_t i = 0; i < acl->items.size(); ++i) {
      if (acl->items[i].kind != Dlist::Kind::string)
        return corrupt(what, "the access list has rights that are no text");
      header.acl.push_back(AclEntry{acl->keys[i], acl->items[i].text});
    }
  }
  if (const Dlist* flags = list->find("U")) {
    if (flags->kind != Dlist::Kind::list) return corrupt(what, "the user flags are no list");
    for (const Dlist& flag : flags->items) {
      if (flag.kind != Dlist::Kind::string && flag.kind != Dlist::Kind::nil) {
        return corrupt(what, "a user flag is no text");
      }
      // NIL, a free slot, has an empty text.
      header.user_flags.push_back(flag.text);
    }
  }
  return header;
}

base::Result<MailboxHeader> parse_line_form(std::string_view text, std::string_view what) {
  auto first = take_until(text, '\n');
  auto flags = take_until(text, '\n');
  auto acl = take_until(text, '\n');
  if (!first || !flags || !acl) return corrupt(what, "ends within its three lines");

  MailboxHeader header;
  if (const auto quota_root = take_until(*first, '\t')) {
    header.quota_root = *quota_root;
    header.uniqueid = *first;
  } else {
    header.quota_root = *first;  // from before mailboxes had ids
  }
  while (!flags->empty()) {
    if (const auto flag = take_until(*flags, ' ')) {
      header.user_flags.emplace_back(*flag);
    } else {
      header.user_flags.emplace_back(std::exchange(*flags, ""sv));
    }
  }
  while (!acl->empty()) {
    const auto identifier = take_until(*acl, '\t');
    if (!identifier) return corrupt(what, "the access list ends within an entry");
    const auto rights = take_until(*acl, '\t');
    header.acl.push_back(AclEntry{std::string(*identifier), std::string(rights ? *rights : std::exchange(*acl, ""sv))});
  }
  return header;
}

/// Sets the string of a key, or with an empty text removes the key. A new one comes before the access list, as Cyrus
/// writes it.
void set_field(Dlist& fields, std::string_view key, const std::string& text) {
  const auto found = std::ranges::find(fields.keys, key);
  const auto index = found - fields.keys.begin();
  if (found == fields.keys.end()) {
    if (text.empty()) return;
    const auto before = std::ranges::find(fields.keys, "A") - fields.keys.begin();
    fields.keys.insert(fields.keys.begin() + before, std::string(key));
    fields.items.insert(fields.items.begin() + before, dlist_string(text));
  } else if (text.empty()) {
    fields.keys.erase(found);
    fields.items.erase(fields.items.begin() + index);
  } else {
    fields.items[static_cast<std::size_t>(index)] = dlist_string(text);
  }
}

}  // namespace

std::string_view mailbox_header_magic() {
  return "\xa1\x02\x8b\x0d"
         "Cyrus mailbox header\n"
         "\"The best thing about this system was that it had lots of goals.\"\n"
         "\t--Jim Morris on Andrew\n"sv;
}

base::Result<MailboxHeader> parse_mailbox_header(std::string_view bytes, std::string_view what) {
  if (!bytes.starts_with(mailbox_header_magic())) return corrupt(what, "does not begin as a mailbox header");
  bytes.remove_prefix(mailbox_header_magic().size());

  base::Result<MailboxHeader> header;
  if (bytes.starts_with("%(")) {
    if (bytes.ends_with('\n')) bytes.remove_suffix(1);
    header = parse_dlist_form(bytes, what);
  } else {
    header = parse_line_form(bytes, what);
  }
  // More names than slots cannot be used by any record; they are no reason to refuse the mail.
  if (header && header->user_flags.size() > kMaxUserFlags) header->user_flags.resize(kMaxUserFlags);
  return header;
}

std::string encode_mailbox_header(const MailboxHeader& header) {
  Dlist fields;
  fields.kind = Dlist::Kind::fields;
  const auto add = [&fields](std::string key, Dlist value) {
    fields.keys.push_back(std::move(key));
    fields.items.push_back(std::move(value));
  };
  add("T", dlist_string(header.type));
  add("N", dlist_string(header.intname));
  add("I", dlist_string(header.uniqueid));
  if (!header.jmap_id.empty()) add("J", dlist_string(header.jmap_id));
  if (!header.quota_root.empty()) add("Q", dlist_string(header.quota_root));
  Dlist acl;
  acl.kind = Dlist::Kind::fields;
  for (const AclEntry& entry : header.acl) {
    acl.keys.push_back(entry.identifier);
    acl.items.push_back(dlist_string(entry.rights));
  }
  add("A", std::move(acl));
  if (!header.user_flags.empty()) {
    Dlist flags;
    flags.kind = Dlist::Kind::list;
    for (const std::string& flag : header.user_flags)
      flags.items.push_back(flag.empty() ? Dlist() : dlist_string(flag));
    add("U", std::move(flags));
  }
  std::string text(mailbox_header_magic());
  append_dlist(fields, text);
  return text + '\n';
}

base::Result<std::string> change_mailbox_header(std::string_view bytes, const MailboxHeaderChange& change,
                                                std::string_view what) {
  const auto header = parse_mailbox_header(bytes, what);
  if (!header) return tl::unexpected(header.error());
  std::string text(mailbox_header_magic());
  std::string_view rest = bytes.substr(text.size());
  if (!rest.starts_with("%(")) {
    if (!change.quota_root) return std::string(bytes);
    const std::size_t end = rest.find('\n');  // parse_mailbox_header() has seen it
    text += *change.quota_root + '\t' + header->uniqueid;
    text += rest.substr(end);
    return text;
  }
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  auto fields = parse_dlist(rest);
  if (!fields) return corrupt(what, fields.error().text);
  if (change.intname) set_field(*fields, "N", *change.intname);
  if (change.quota_root) set_field(*fields, "Q", *change.quota_root);
  append_dlist(*fields, text);
  return text + '\n';
}

}  // namespace cyrus
