#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus::testing {

/// Writes a twoskip file in memory the way doc/format/twoskip.md says a writer does: step by step, transaction by
/// transaction, with replaced and removed records left in place. Keeps every state between two writes, because any of
/// them may be what a crash leaves behind.
class TwoskipBuilder {
 public:
  TwoskipBuilder();

  /// Adds or replaces. `level` 1..31.
  void store(std::string_view key, std::string_view value, int level);
  /// The key must exist.
  void remove(std::string_view key);
  void commit();

  const std::vector<unsigned char>& bytes() const { return bytes_; }
  /// The file after each write since the last commit, as a crash could leave it.
  const std::vector<std::vector<unsigned char>>& states() const { return states_; }

 private:
  struct Place {
    std::vector<std::uint64_t> back;
    std::vector<std::uint64_t> next;
    std::optional<std::uint64_t> found;
  };

  void begin();
  void write_header(bool dirty);
  std::uint64_t append(char type, int level, std::string_view key, std::string_view value,
                       const std::vector<std::uint64_t>& pointers);
  void write_head(std::uint64_t at);
  void point(std::uint64_t record, int list, std::uint64_t to);
  int level(std::uint64_t record) const { return bytes_[record + 1]; }
  std::uint64_t pointer(std::uint64_t record, int index) const;
  std::uint64_t next(std::uint64_t record, int list) const;
  std::string key(std::uint64_t record) const;
  Place locate(std::string_view key) const;
  void remember() { states_.push_back(bytes_); }

  std::vector<unsigned char> bytes_;
  std::vector<std::vector<unsigned char>> states_;
  std::uint64_t committed_ = 0;
  std::uint64_t count_ = 0;
  bool in_transaction_ = false;
};

}  // namespace cyrus::testing
