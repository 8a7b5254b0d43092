#include "support/twoskip_writer.hpp"

#include "base/crc32.hpp"
#include "support/index_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace support {
namespace {

constexpr std::size_t kMaxLevel = 31;
constexpr std::size_t kDummyAt = 64;

struct Node {
  std::string key;
  std::string value;
  std::size_t level = 0;
  std::uint64_t at = 0;
  std::vector<std::uint64_t> pointers;  // level + 1 of them
};

std::size_t head_size(std::size_t level) { return 8 + 8 * (level + 1) + 8; }

std::size_t padded(std::size_t size) { return (size + 7) / 8 * 8; }

std::string node_bytes(char type, const Node& node) {
  std::string b(1, type);
  b += static_cast<char>(node.level);
  append_be16(b, node.key.size());
  append_be32(b, node.value.size());
  for (const auto pointer : node.pointers) append_be64(b, pointer);
  append_be32(b, base::crc32(b));
  std::string tail = node.key + node.value;
  tail.resize(padded(tail.size()));
  append_be32(b, tail.empty() ? 0 : base::crc32(tail));
  return b + tail;
}

}  // namespace

std::string twoskip_bytes(const std::map<std::string, std::string>& records, Random& random) {
  // Places first, pointers second: a pointer needs the place of a later record.
  std::vector<Node> nodes(1);
  nodes[0].level = kMaxLevel;
  nodes[0].at = kDummyAt;
  std::uint64_t end = kDummyAt + head_size(kMaxLevel);
  const std::uint64_t empty_size = end;
  std::vector<std::uint64_t> fillers;
  const auto leave_room = [&](std::size_t head) {
    // The head of a record must not span two blocks of 512 bytes, unless it cannot be helped.
    while (head <= 504 && (end + 8) % 512 > (end - 8 + head) % 512) {
      fillers.push_back(end);
      end += 8;
    }
  };
  for (const auto& [key, value] : records) {
    Node node{key, value, 1, 0, {}};
    while (node.level < kMaxLevel && chance(random, 50)) ++node.level;
    leave_room(head_size(node.level));
    node.at = end;
    end += head_size(node.level) + padded(key.size() + value.size());
    nodes.push_back(node);
  }
  leave_room(head_size(0));
  const Node commit{"", "", 0, end, {empty_size}};
  if (!records.empty()) end += head_size(0);

  std::vector<std::uint64_t> next(kMaxLevel + 1, 0);  // by pointer slot, for the record before the current one
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    node->pointers.assign(node->level + 1, 0);
    // Slot 0 is the older of the two pointers of the lowest list, and all records here are new.
    for (std::size_t slot = 1; slot <= node->level; ++slot) {
      node->pointers[slot] = next[slot];
      next[slot] = node->at;
    }
  }

  std::string file("\xa1\x02\x8b\x0d", 4);
  file += "twoskip file";
  file.append(4, '\0');
  append_be32(file, 1);  // version
  append_be64(file, 1);  // generation
  append_be64(file, records.size());
  append_be64(file, empty_size);
  append_be64(file, end);
  append_be32(file, 0);  // flags
  append_be32(file, base::crc32(file));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    while (file.size() < nodes[i].at) file.append(" BLANK\x07\xa0", 8);
    file += node_bytes(i == 0 ? '=' : '+', nodes[i]);
  }
  if (!records.empty()) {
    while (file.size() < commit.at) file.append(" BLANK\x07\xa0", 8);
    file += node_bytes('$', commit);
  }
  return file;
}

std::string dlist_string(std::string_view text) {
  const auto is_bare = [](char c) {
    return c >= 0x1f && c <= 0x7e && std::string_view(" {()\"%*\\").find(c) == std::string_view::npos;
  };
  if (!text.empty() && text != "NIL" && text.size() < 1024 && std::ranges::all_of(text, is_bare)) {
    return std::string(text);
  }
  const auto needs_literal = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("\r\n\0\"\\%", 6).find(c) != std::string_view::npos;
  };
  if (text.size() < 1024 && std::ranges::none_of(text, needs_literal)) return '"' + std::string(text) + '"';
  return '{' + std::to_string(text.size()) + "}\r\n" + std::string(text);
}

}  // namespace support
