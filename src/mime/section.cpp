#include "mime/section.hpp"

#include "base/byte_order.hpp"
#include "mime/charset.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace mime {

namespace {

constexpr std::uint32_t kNoCharset = 0x0000FFFF;
constexpr std::uint32_t kNone = 0xFFFFFFFF;

class SectionWriter {
 public:
  explicit SectionWriter(const Message& message) : message_(message) {}

  std::string write() {
    add_message(message_.root());
    while (!waiting_.empty()) {
      const Part& part = message_.parts[waiting_.back()];
      waiting_.pop_back();
      if (part.is_message()) {
        add_message(message_.parts[part.children.front()]);
      } else if (!part.children.empty()) {
        add_word(static_cast<std::uint32_t>(part.children.size() + 1));
        for (const std::uint32_t word : {0U, kNone, 0U, kNone}) add_word(word);
        add_unnamed(nullptr);
        add_children(part);
      } else {
        add_word(0);
      }
    }
    return std::move(item_);
  }

 private:
  void add_word(std::uint32_t word) {
    std::array<unsigned char, 4> bytes{};
    base::store_be32(bytes, 0, word);
    item_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  /// Part 0 of a message is the message itself; those of a multipart in it come next, or the one body that it has.
  void add_message(const Part& inner) {
    const bool has_parts = inner.is_multipart() && !inner.children.empty();
    add_word(has_parts ? static_cast<std::uint32_t>(inner.children.size() + 1) : 2);
    add_place(inner, inner.content_size);
    add_unnamed(&inner);
    if (has_parts) {
      add_children(inner);
      return;
    }
    if (inner.is_multipart()) {
      add_place(inner, 0);
      add_unnamed(nullptr);
      add_word(0);
      return;
    }
    add_place(inner, inner.content_size);
    add_named(inner);
    waiting_.push_back(static_cast<std::uint32_t>(&inner - message_.parts.data()));
  }

  void add_children(const Part& parent) {
    const bool inside_message = parent.envelope != nullptr;
    for (const std::uint32_t index : parent.children) {
      const Part& child = message_.parts[index];
      const bool empty = child.is_multipart() && child.children.empty();
      add_place(child, empty ? 0 : child.content_size);
      if (empty && !inside_message) {
        add_unnamed(&child);
      } else {
        add_named(child);
      }
    }
    for (auto child = parent.children.rbegin(); child != parent.children.rend(); ++child) waiting_.push_back(*child);
  }

  void add_place(const Part& part, std::uint32_t content_size) {
    add_word(part.header_offset);
    add_word(part.header_size);
    add_word(part.content_offset);
    add_word(content_size);
  }

  void add_unnamed(const Part* part) {
    add_word(kNoCharset);
    add_digest(part);
  }

  /// The charset's name and the encoding: name with its zeros, length of both in the upper half of the word before.
  void add_named(const Part& part) {
    constexpr std::size_t kMaxName = 0xFFFF;
    const std::string_view name = charset_name(part);
    std::size_t size = name.empty() ? 0 : (name.size() / 4 + 1) * 4;
    if (size > kMaxName) size = 0;
    const Encoding encoding = body_encoding(part);
    const std::uint32_t code = encoding == Encoding::none               ? 0
                               : encoding == Encoding::quoted_printable ? 1
                               : encoding == Encoding::base64           ? 2
                                                                        : 255;
    add_word(static_cast<std::uint32_t>(size) << 16 | code);
    if (size != 0) {
      item_ += name;
      item_.append(size - name.size(), '\0');
    }
    add_digest(&part);
  }

  std::string_view charset_name(const Part& part) {
    constexpr std::string_view kDefault = "us-ascii";
    if (part.type == "MESSAGE") return part.is_message() ? std::string_view{} : kDefault;
    if (part.type != "TEXT") return {};
    std::string_view last = kDefault;  // Cyrus: of several the last that it knows
    for (const Parameter& parameter : part.parameters) {
      if (parameter.attribute == "CHARSET" && is_known(parameter.value)) last = parameter.value;
    }
    return last;
  }

  bool is_known(const std::string& charset) {
    constexpr std::size_t kMaxRemembered = 100;
    if (const auto found = known_.find(charset); found != known_.end()) return found->second;
    if (known_.size() >= kMaxRemembered) known_.clear();
    return known_.emplace(charset, Charset::find(charset) != nullptr).first->second;
  }

  void add_digest(const Part* part) {
    const base::Sha1Digest digest = part != nullptr ? part->digest : base::Sha1Digest{};
    item_.append(reinterpret_cast<const char*>(digest.data()), digest.size());
    add_word(part != nullptr ? part->decoded_size : 0);
    add_word(part != nullptr ? part->content_lines : 0);
  }

  const Message& message_;
  std::string item_;
  std::vector<std::uint32_t> waiting_;  // parts whose own parts are still to be written, the next at the back
  std::map<std::string, bool> known_;
};

}  // namespace

std::string section_item(const Message& message) { return SectionWriter(message).write(); }

}  // namespace mime
