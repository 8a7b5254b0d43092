#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mime {

/// The boundaries of the multiparts that are open, outermost first (RFC 2046 s5.1.1).
///
/// They are kept as a tree of characters, so that a line costs its own length however many boundaries wait for it.
class Boundaries {
 public:
  /// With `strict`, any text may follow a boundary in its line (imapd.conf rfc2046_strict).
  explicit Boundaries(bool strict) : strict_(strict), nodes_(1) {}

  std::size_t size() const { return open_.size(); }
  void push(std::string_view boundary);
  void truncate(std::size_t size);

  /// Whether the line, its line end included, is a delimiter of an open multipart. One that closes a multipart is taken
  /// off together with all inside it.
  ///
  /// Cyrus: the outermost boundary that fits wins, white space or nothing must follow it, and a delimiter between the
  /// parts of an outer multipart leaves the inner ones open.
  bool match(std::string_view line);

 private:
  static constexpr std::size_t kTreeDepth = 200;  // what is longer is compared at the leaf

  struct Open {
    std::string boundary;
    std::uint32_t node = 0;
    std::size_t nodes_before = 0;
  };
  struct Node {
    std::vector<std::uint32_t> ending;  // indexes of the boundaries that end here, or go on beyond kTreeDepth
    std::uint64_t edge = 0;             // the key in edges_ that leads here
  };

  static std::uint64_t edge(std::uint32_t node, char c) {
    return std::uint64_t{node} << 8 | static_cast<unsigned char>(c);
  }
  bool follows_well(std::string_view after) const;

  bool strict_;
  std::vector<Open> open_;
  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;
};

}  // namespace mime
