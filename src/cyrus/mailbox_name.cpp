#include "cyrus/mailbox_name.hpp"

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace cyrus {
namespace {

constexpr char kComponentSeparator = '\x1f';  // of dbnames
constexpr char kDomainSeparator = '\x1d';

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (;;) {
    const auto end = text.find(separator);
    pieces.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::string with(std::string_view text, char old_byte, char new_byte) {
  std::string copy(text);
  std::ranges::replace(copy, old_byte, new_byte);
  return copy;
}

// '!' ends the domain of an intname: within a component it would turn "a!user.b" into another user's mailbox.
bool has_forbidden_byte(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return base::ascii::is_control(c) || c == '/' || c == '!'; });
}

bool is_component(std::string_view text) {
  // "^" and "^^" are "." and ".." in the other spelling.
  return !text.empty() && text != "^" && text != "^^" && text.find('.') == std::string_view::npos &&
         !has_forbidden_byte(text);
}

bool is_domain(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.find("..") == std::string_view::npos &&
         text.find_first_of("@^*") == std::string_view::npos && !has_forbidden_byte(text);
}

tl::unexpected<base::Error> refuse(std::string_view what, std::string_view name) {
  // Cut: the name can come from a client and can have any length.
  return base::fail(base::Errc::invalid, std::string(what) + ": " + base::printable(name.substr(0, kMaxIntname)));
}

}  // namespace

MailboxName::MailboxName(std::string domain, std::vector<std::string> components)
    : domain_(std::move(domain)), components_(std::move(components)) {
  if (!domain_.empty()) intname_ = domain_ + '!';
  for (std::size_t i = 0; i < components_.size(); ++i) {
    if (i != 0) intname_ += '.';
    intname_ += components_[i];
  }
}

base::Result<MailboxName> MailboxName::make(std::string domain, std::vector<std::string> components) {
  MailboxName name(std::move(domain), std::move(components));
  if (!name.domain_.empty() && !is_domain(name.domain_)) return refuse("impossible domain", name.domain_);
  if (!std::ranges::all_of(name.components_, is_component)) return refuse("impossible mailbox name", name.intname_);
  if (name.intname_.size() > kMaxIntname) return refuse("mailbox name too long", name.intname_);
  return name;
}

base::Result<MailboxName> MailboxName::of_user(std::string_view userid, std::string_view subfolder,
                                               const StoreConfig& config) {
  // Cyrus 3 splits whatever virtdomains says; without virtdomains no such mailbox exists.
  std::string domain;
  std::string_view local = userid;
  if (const auto at = userid.rfind('@'); at != std::string_view::npos) {
    domain = userid.substr(at + 1);
    local = userid.substr(0, at);
    if (domain.empty()) return refuse("userid without a domain", userid);
    if (domain == config.default_domain) domain.clear();
  }
  if (config.unix_hierarchy_sep ? local.find('^') != std::string_view::npos
                                : local.find('.') != std::string_view::npos) {
    return refuse("userid with the hierarchy separator", userid);
  }
  std::vector<std::string> components{"user", with(local, '.', '^')};
  if (!subfolder.empty()) {
    for (const std::string& piece : split(subfolder, config.unix_hierarchy_sep ? '/' : '.')) {
      components.push_back(with(piece, '.', '^'));
    }
  }
  return make(std::move(domain), std::move(components));
}

base::Result<MailboxName> MailboxName::of_shared(std::string_view name, std::string_view domain,
                                                 const StoreConfig& config) {
  std::vector<std::string> components;
  for (const std::string& piece : split(name, config.unix_hierarchy_sep ? '/' : '.')) {
    components.push_back(with(piece, '.', '^'));
  }
  if (components.front() == "user" || components.front() == config.deleted_prefix) {
    return refuse("not a shared mailbox", name);
  }
  return make(domain == config.default_domain ? std::string() : std::string(domain), std::move(components));
}

base::Result<MailboxName> MailboxName::from_intname(std::string_view intname) {
  std::string domain;
  std::string_view rest = intname;
  if (const auto end = intname.find('!'); end != std::string_view::npos) {
    domain = intname.substr(0, end);
    rest = intname.substr(end + 1);
    if (domain.empty()) return refuse("empty domain", intname);
  }
  return make(std::move(domain), split(rest, '.'));
}

base::Result<MailboxName> MailboxName::from_dbname(std::string_view dbname) {
  std::string domain;
  std::string_view rest = dbname;
  if (const auto end = dbname.find(kDomainSeparator); end != std::string_view::npos) {
    domain = dbname.substr(0, end);
    rest = dbname.substr(end + 1);
    if (domain.empty()) return refuse("empty domain", dbname);
  }
  auto components = split(rest, kComponentSeparator);
  for (std::string& component : components) std::ranges::replace(component, '.', '^');
  return make(std::move(domain), std::move(components));
}

std::string MailboxName::dbname() const {
  std::string name;
  if (!domain_.empty()) name = domain_ + kDomainSeparator;
  for (std::size_t i = 0; i < components_.size(); ++i) {
    if (i != 0) name += kComponentSeparator;
    name += with(components_[i], '^', '.');
  }
  return name;
}

std::string MailboxName::userid() const {
  if (components_.size() < 2 || components_[0] != "user") return {};
  std::string user = with(components_[1], '^', '.');
  if (!domain_.empty()) user += '@' + domain_;
  return user;
}

MailboxName MailboxName::inbox() const {
  CHECK(components_.size() >= 2 && components_[0] == "user");
  return MailboxName(domain_, {components_[0], components_[1]});
}

char hash_letter(std::string_view name, bool full) {
  if (!full) {
    const char first = name.empty() ? '\0' : base::ascii::to_lower(name.front());
    return base::ascii::is_lower(first) ? first : 'q';
  }
  std::uint32_t n = 0;
  for (const char c : name.substr(0, name.find('.'))) {
    n = ((n << 3) ^ (n >> 5)) ^ static_cast<unsigned char>(c);
  }
  return static_cast<char>('A' + n % 23);
}

}  // namespace cyrus
