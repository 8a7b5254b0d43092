// Creates, deletes, lists and measures mailboxes as it is told on standard input, for tests that let Cyrus's programs
// at the same store.
//
// usage: mailbox_tool IMAPD_CONF
// One command a line, arguments separated by TAB: store, create NAME, delete NAME, quota NAME KIB MESSAGES (-1: none),
// unquota NAME, usage NAME, list, info NAME, autocreate USER login|delivery. Names are intnames. A busy store is asked
// again for 20 seconds. Each command prints "ok ..." or "CODE TEXT".

#include "config/imapd_conf.hpp"
#include "cyrus/mailbox_admin.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Words = std::vector<std::string>;
using base::Result;

Words split(const std::string& line) {
  Words words;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t tab = line.find('\t', begin);
    words.push_back(line.substr(begin, tab - begin));
    if (tab == std::string::npos) return words;
    begin = tab + 1;
  }
}

std::optional<std::uint64_t> limit(const std::string& word) {
  if (word == "-1") return std::nullopt;
  return std::stoull(word);
}

std::string text_of(const std::optional<cyrus::QuotaRoot>& root) {
  if (!root) return "none";
  const auto number = [](const auto& value) { return value ? std::to_string(*value) : std::string("-1"); };
  return root->name + ' ' + std::to_string(root->usage.storage) + ' ' + number(root->limits.storage_kib) + ' ' +
         std::to_string(root->usage.messages) + ' ' + number(root->limits.messages) + ' ' +
         std::to_string(root->usage.folders);
}

std::string text_of(const std::vector<cyrus::ListedMailbox>& list) {
  std::string text;
  for (const auto& mailbox : list) {
    text += mailbox.record.name.intname() + ' ' + mailbox.record.type + ' ' + mailbox.record.uniqueid;
    if (mailbox.counts) text += ' ' + std::to_string(mailbox.counts->messages);
    text += '\n';
  }
  return text;
}

template <class T, class Text>
Result<std::string> said(Result<T> result, const Text& text) {
  if (!result) return tl::unexpected(result.error());
  return text(*result);
}

Result<std::string> run(cyrus::MailboxAdmin& admin, const Words& words) {
  const auto done = [](Result<void> result) -> Result<std::string> {
    if (!result) return tl::unexpected(result.error());
    return std::string();
  };
  const std::string& command = words[0];
  if (command == "store") return done(admin.make_store());
  if (command == "list") {
    return said(admin.list_mailboxes({.user = {}, .deleted = true, .counts = true}),
                [](const auto& list) { return text_of(list); });
  }
  if (command == "autocreate" && words.size() == 3) {
    const auto reason = words[2] == "login" ? cyrus::AutocreateFor::login : cyrus::AutocreateFor::delivery;
    return said(admin.autocreate_inbox(words[1], reason), [](bool made) { return std::string(made ? "made" : "no"); });
  }
  if (words.size() < 2) return base::fail(base::Errc::invalid, "not a command: " + command);
  const auto name = cyrus::MailboxName::from_intname(words[1]);
  if (!name) return tl::unexpected(name.error());
  if (command == "create") {
    return said(admin.create_mailbox(*name), [](const auto& record) { return record.uniqueid; });
  }
  if (command == "delete") {
    return said(admin.delete_mailbox(*name), [](const auto& names) {
      std::string text;
      for (const auto& gone : names) text += gone.intname() + ' ';
      return text;
    });
  }
  if (command == "quota" && words.size() == 4) return done(admin.set_quota(*name, {limit(words[2]), limit(words[3])}));
  if (command == "unquota") return done(admin.remove_quota(*name));
  if (command == "usage") return said(admin.quota_of(*name), [](const auto& root) { return text_of(root); });
  if (command == "info") {
    return said(admin.mailbox_info(*name), [](const auto& info) {
      return info.record.uniqueid + ' ' + std::to_string(info.header.uidvalidity) + ' ' + info.directory.native();
    });
  }
  return base::fail(base::Errc::invalid, "not a command: " + command);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto conf = config::ImapdConf::load(argv[1], "tool");
  const auto store = conf ? cyrus::store_config(*conf) : Result<cyrus::StoreConfig>(tl::unexpected(conf.error()));
  if (!store) {
    std::cerr << store.error().text << '\n';
    return 1;
  }
  const base::Log log([](base::Severity, std::string_view text) { std::cerr << text << '\n'; });
  cyrus::MailboxAdmin admin(*store, log);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto result = run(admin, split(line));
    while (!result && result.error().code == base::Errc::busy && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      result = run(admin, split(line));
    }
    if (result) {
      std::cout << "ok " << *result << std::endl;
    } else {
      std::cout << base::name(result.error().code) << ' ' << result.error().text << std::endl;
    }
  }
  return 0;
}
