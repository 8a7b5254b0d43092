#include "base/local_time.hpp"
#include "mime/cache_items.hpp"
#include "mime/message.hpp"
#include "mime/message_facts.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

// print_cache
//
// Reads names of message files from standard input. For each writes a line to standard output, then the cache record
// that we would store for it: `SIZE CRC HEADER_SIZE SENTDATE GMTIME DELIVERED RECEIVED`, 0 for a date that cannot be
// read, then SIZE octets.

int main() {
  std::ios::sync_with_stdio(false);
  std::string name;
  while (std::getline(std::cin, name)) {
    std::ifstream file(name, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "print_cache: %s: cannot be read\n", name.c_str());
      return 1;
    }
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto message = mime::parse_message(text);
    if (!message) {
      std::fprintf(stderr, "print_cache: %s: %s\n", name.c_str(), message.error().text.c_str());
      return 1;
    }
    const mime::CacheRecord record = mime::cache_record(mime::cache_items(*message));
    const mime::MessageFacts facts = mime::message_facts(*message);
    const auto sent = facts.sent_day
                          ? base::local_midnight(facts.sent_day->year, facts.sent_day->month, facts.sent_day->day)
                          : std::nullopt;
    std::cout << record.bytes.size() << ' ' << record.crc << ' ' << facts.header_size << ' ' << sent.value_or(0) << ' '
              << facts.gmtime.value_or(0) << ' ' << facts.delivered_internal_date.value_or(0) << ' '
              << facts.received_date.value_or(0) << '\n'
              << record.bytes << std::flush;
  }
  return 0;
}
