// Changes a twoskip database as it is told on standard input, for tests that let Cyrus's cyr_dbtool at the same file.
//
// usage: twoskip_tool FILE
// One command a line, arguments separated by TAB: set KEY VALUE, delete KEY, commit, abort, repack, show, repaired.
// `show` prints each committed item as KEY TAB VALUE, then an empty line. Ends with 1 at the first command that fails.

#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t tab = line.find('\t', begin);
    words.push_back(line.substr(begin, tab - begin));
    if (tab == std::string::npos) return words;
    begin = tab + 1;
  }
}

base::Result<void> show(const std::string& path) {
  const auto file = cyrus::TwoskipFile::open(path, base::LockMode::shared);
  if (!file) return tl::unexpected(file.error());
  const auto reader = cyrus::TwoskipReader::open(file->reader(), file->size(), path);
  if (!reader) return tl::unexpected(reader.error());
  const auto done = reader->walk([](cyrus::TwoskipItem&& item) {
    std::cout << item.key << '\t' << item.value << '\n';
    return true;
  });
  std::cout << '\n';
  return done;
}

base::Result<void> run(cyrus::TwoskipWriter& database, const std::vector<std::string>& words) {
  const std::string& command = words[0];
  if (command == "set" && words.size() == 3) return database.store(words[1], words[2]);
  if (command == "delete" && words.size() == 2) {
    const auto erased = database.erase(words[1]);
    if (!erased) return tl::unexpected(erased.error());
    if (!*erased) return base::fail(base::Errc::not_found, "no key " + words[1]);
    return {};
  }
  if (command == "commit") return database.commit();
  if (command == "abort") return database.abort();
  if (command == "repack") return database.repack();
  if (command == "repaired") {
    constexpr std::string_view kNames[] = {"none", "relinked", "rebuilt", "cleared"};
    std::cout << kNames[static_cast<std::size_t>(database.repaired())] << '\n';
    return {};
  }
  return base::fail(base::Errc::invalid, "not a command: " + command);
}

int complain(const base::Error& error) {
  std::cerr << "twoskip_tool: " << base::name(error.code) << ": " << error.text << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: twoskip_tool FILE\n";
    return 64;
  }
  const std::string path = argv[1];
  std::vector<std::vector<std::string>> commands;
  for (std::string line; std::getline(std::cin, line);) commands.push_back(split(line));
  // Only to show must not need what writing needs.
  if (commands.size() == 1 && commands[0][0] == "show") {
    if (const auto done = show(path); !done) return complain(done.error());
    return 0;
  }
  auto database = cyrus::TwoskipWriter::open(path, {.create = true, .damage = cyrus::TwoskipDamage::rebuild});
  if (!database) return complain(database.error());
  for (const auto& command : commands) {
    if (const auto done = run(*database, command); !done) return complain(done.error());
  }
  return 0;
}
