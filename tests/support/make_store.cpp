#include "support/store_maker.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

// make_store DIR --users N --messages M [--seed S]
//
// Makes a Cyrus mail store with the users u1..uN of M messages each in DIR, and DIR/imapd.conf for it.

namespace {

int usage() {
  std::fputs("usage: make_store DIR --users N --messages M [--seed S]\n", stderr);
  return 64;
}

bool parse(const char* text, std::uint64_t& number) {
  char* end = nullptr;
  number = std::strtoull(text, &end, 10);
  return end != text && *end == '\0' && *text != '-';
}

}  // namespace

int main(int argc, char** argv) {
  std::string directory;
  std::uint64_t users = 0;
  std::uint64_t messages = 0;
  std::uint64_t seed = 1;
  bool has_messages = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--") && directory.empty()) {
      directory = argument;
      continue;
    }
    if (i + 1 == argc) return usage();
    const char* value = argv[++i];
    if (argument == "--users") {
      if (!parse(value, users)) return usage();
    } else if (argument == "--messages") {
      if (!parse(value, messages)) return usage();
      has_messages = true;
    } else if (argument == "--seed") {
      if (!parse(value, seed)) return usage();
    } else {
      return usage();
    }
  }
  if (directory.empty() || users == 0 || !has_messages) return usage();

  try {
    support::StoreMaker maker(std::filesystem::absolute(directory), support::StoreShape{}, seed);
    for (std::uint64_t n = 1; n <= users; ++n) maker.add_plain("u" + std::to_string(n), messages);
    maker.finish();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_store: %s\n", error.what());
    return 1;
  }
  return 0;
}
