#include "mime/boundaries.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <utility>

namespace mime {

void Boundaries::push(std::string_view boundary) {
  Open open{std::string(boundary), 0, nodes_.size()};
  for (const char c : boundary.substr(0, kTreeDepth)) {
    const std::uint64_t key = edge(open.node, c);
    const auto [found, added] = edges_.try_emplace(key, static_cast<std::uint32_t>(nodes_.size()));
    if (added) nodes_.push_back({{}, key});
    open.node = found->second;
  }
  nodes_[open.node].ending.push_back(static_cast<std::uint32_t>(open_.size()));
  open_.push_back(std::move(open));
}

void Boundaries::truncate(std::size_t size) {
  while (open_.size() > size) {
    nodes_[open_.back().node].ending.pop_back();
    while (nodes_.size() > open_.back().nodes_before) {
      edges_.erase(nodes_.back().edge);
      nodes_.pop_back();
    }
    open_.pop_back();
  }
}

bool Boundaries::follows_well(std::string_view after) const {
  return strict_ || after.size() < 2 || base::ascii::is_space(after.front());
}

bool Boundaries::match(std::string_view line) {
  if (open_.empty() || !line.starts_with("--")) return false;
  const std::string_view text = line.substr(2);
  std::size_t outermost = open_.size();
  std::uint32_t node = 0;
  for (std::size_t depth = 0;; ++depth) {
    for (const std::uint32_t index : nodes_[node].ending) {
      if (index >= outermost) break;
      const std::string& boundary = open_[index].boundary;
      if (boundary.size() > depth && !text.starts_with(boundary)) continue;
      const std::string_view after = text.substr(boundary.size());
      if (after.starts_with("--") || follows_well(after)) outermost = index;
      if (boundary.size() == depth) break;  // those that follow are the same
    }
    if (depth == kTreeDepth || depth == text.size()) break;
    const auto next = edges_.find(edge(node, text[depth]));
    if (next == edges_.end()) break;
    node = next->second;
  }
  if (outermost == open_.size()) return false;
  if (text.substr(open_[outermost].boundary.size()).starts_with("--")) truncate(outermost);
  return true;
}

}  // namespace mime
