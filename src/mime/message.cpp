#include "mime/message.hpp"

#include "mime/boundaries.hpp"
#include "mime/header_fields.hpp"
#include "mime/parameter_list.hpp"
#include "mime/part_header.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace mime {

namespace {

/// Octets and lines of a delimiter, the line end before it included.
struct Delimiter {
  std::uint32_t size = 0;
  std::uint32_t lines = 0;
};

/// Content that has no parts: what Cyrus calls size, lines and the delimiter behind it.
struct Content {
  std::uint32_t size = 0;
  std::uint32_t lines = 0;
  Delimiter delimiter;
};

/// Parses with a stack of its own, so that nesting costs memory and not the thread's stack.
class Parser {
 public:
  Parser(std::string_view text, const ParseOptions& options)
      : text_(text),
        options_(options),
        boundaries_(options.strict_boundaries),
        digest_budget_(kMaxDigestFactor * text.size() + kDigestAllowance) {
    message_.text = text;
    message_.max_header_lines = options.max_header_lines;
    if (options_.boundary_limit == 0 || options_.boundary_limit > kMaxNesting) options_.boundary_limit = kMaxNesting;
  }

  Message parse() {
    begin_part("TEXT", true);
    while (!open_.empty()) {
      if (message_.parts[open_.back().part].is_message()) {
        continue_message();
      } else {
        continue_multipart();
      }
    }
    return std::move(message_);
  }

 private:
  /// A message/rfc822 or multipart of which parts are still to come.
  struct OpenPart {
    std::uint32_t part;
    std::size_t depth = 0;  // boundaries open while the parts of this multipart are read
    Content preamble = {};
    bool digest = false;  // of multipart/digest, whose parts are messages
    bool begun = false;   // the message in it has been read
  };

  std::string_view take_line() {
    const std::size_t end = text_.find('\n', at_);
    const std::string_view line = text_.substr(at_, end == std::string_view::npos ? end : end + 1 - at_);
    at_ += line.size();
    return line;
  }

  Part& part(std::uint32_t index) { return message_.parts[index]; }

  /// Reads a part from its header on. One with parts of its own stays open; any other is read to its end.
  void begin_part(std::string_view default_type, bool is_message) {
    const auto index = static_cast<std::uint32_t>(message_.parts.size());
    message_.parts.emplace_back();
    delimiters_.emplace_back();
    if (!open_.empty()) part(open_.back().part).children.push_back(index);
    const bool ended = read_header(index, default_type, is_message);
    Part& it = part(index);
    if (it.is_message()) {
      if (!ended && open_.size() < kMaxNesting && message_.parts.size() < kMaxParts) {
        open_.push_back({index});
        return;
      }
      if (!ended) read_content(index);
      add_empty_message(index);
    } else if (!ended) {
      const auto boundary = it.is_multipart() ? boundary_of(it) : std::nullopt;
      if (!boundary || open_.size() >= kMaxNesting) {
        read_content(index);
      } else {
        open_multipart(index, *boundary);
        return;
      }
    }
  }

  /// True if a delimiter ended the header, so that there is no body.
  bool read_header(std::uint32_t index, std::string_view default_type, bool is_message) {
    Part& it = part(index);
    const std::size_t begin = at_;
    std::size_t end = begin;
    bool ended = false;
    while (at_ < text_.size()) {
      const std::size_t line_begin = at_;
      const std::string_view line = take_line();
      end = at_;
      if (line == "\r\n") break;
      if (swallow_ || !boundaries_.match(line)) continue;
      // The line end before a delimiter belongs to it, unless that is the first line.
      delimiters_[index] = {static_cast<std::uint32_t>(line.size()), 1};
      end = line_begin;
      if (line_begin > begin) {
        end = line_begin - begin > 2 ? line_begin - 2 : begin;
        delimiters_[index].size += static_cast<std::uint32_t>(line_begin - end);
        ++delimiters_[index].lines;
      }
      ended = true;
      break;
    }
    const std::string_view header = text_.substr(begin, end - begin);
    it.header_offset = static_cast<std::uint32_t>(begin);
    it.header_size = static_cast<std::uint32_t>(header.size());
    it.header_lines = static_cast<std::uint32_t>(std::count(header.begin(), header.end(), '\n'));
    it.content_offset = static_cast<std::uint32_t>(at_);
    read_part_header(it, header, options_.max_header_lines, is_message, default_type == "MESSAGE");
    return ended;
  }

  Content scan_content() {
    Content content;
    while (at_ < text_.size()) {
      const std::string_view line = take_line();
      if (!swallow_ && boundaries_.match(line)) {
        content.delimiter = {static_cast<std::uint32_t>(line.size()), 1};
        if (content.lines > 0) {
          --content.lines;
          ++content.delimiter.lines;
        }
        if (content.size > 1) {
          content.size -= 2;
          content.delimiter.size += 2;
        }
        break;
      }
      content.size += static_cast<std::uint32_t>(line.size());
      if (line.ends_with('\n')) ++content.lines;
    }
    return content;
  }

  void read_content(std::uint32_t index) {
    const std::size_t begin = at_;
    const Content content = scan_content();
    Part& it = part(index);
    it.content_size = content.size;
    it.content_lines = content.lines;
    delimiters_[index] = content.delimiter;
    digest(it, text_.substr(begin, content.size));
  }

  void digest(Part& it, std::string_view body) {
    constexpr std::size_t kPiece = 65536;
    const Encoding encoding = body_encoding(it);
    if (encoding == Encoding::unknown) return;
    base::Sha1 sum;
    std::size_t size = 0;
    if (const auto decoder = body_decoder(encoding)) {
      std::string octets;
      for (std::size_t done = 0; done < body.size(); done += kPiece) {
        decoder->decode(body.substr(done, kPiece), octets);
        if (body.size() - done <= kPiece) decoder->flush(octets);
        sum.add(octets);
        size += octets.size();
        octets.clear();
      }
    } else {
      sum.add(body);
      size = body.size();
    }
    it.digest = sum.finish();
    it.decoded_size = static_cast<std::uint32_t>(size);
  }

  // -- message/rfc822 ------------------------------------------------------------------------------------------------

  void continue_message() {
    const std::uint32_t index = open_.back().part;
    if (!open_.back().begun) {
      open_.back().begun = true;
      begin_part("TEXT", true);
      return;
    }
    open_.pop_back();
    Part& it = part(index);
    const std::uint32_t child = it.children.front();
    const Part& inner = part(child);
    it.content_size = inner.header_size + inner.content_size;
    it.content_lines = inner.header_lines + inner.content_lines;
    delimiters_[index] = delimiters_[child];
    const std::string_view body = text_.substr(it.content_offset, it.content_size);
    if (body.size() > digest_budget_) return;
    digest_budget_ -= body.size();
    digest(it, body);
  }

  /// What stands for the message in a message/rfc822 that a delimiter cut short, or that is too deep.
  void add_empty_message(std::uint32_t index) {
    const auto child = static_cast<std::uint32_t>(message_.parts.size());
    message_.parts.emplace_back();
    delimiters_.emplace_back();
    part(index).children.push_back(child);
    read_part_header(part(child), {}, options_.max_header_lines, true, false);
  }

  // -- multipart -----------------------------------------------------------------------------------------------------

  static std::optional<std::string> boundary_of(const Part& it) {
    for (const Parameter& parameter : it.parameters) {
      if (parameter.attribute == "BOUNDARY") return parameter.value;
      if (parameter.attribute == "BOUNDARY*") {
        return decode_extended_value(parameter.value).value_or(parameter.value);
      }
    }
    return std::nullopt;
  }

  void open_multipart(std::uint32_t index, const std::string& boundary) {
    OpenPart open{index};
    open.digest = part(index).subtype == "DIGEST";
    boundaries_.push(boundary);
    open.depth = boundaries_.size();
    open.preamble = scan_content();
    open_.push_back(open);
  }

  void continue_multipart() {
    const OpenPart& open = open_.back();
    const std::vector<std::uint32_t>& children = part(open.part).children;
    if (!children.empty() && at_ == text_.size() && delimiters_[children.back()].size == 0) {
      boundaries_.truncate(0);  // the end of the message ends all multiparts
    }
    if (boundaries_.size() == open.depth && boundaries_.size() < options_.boundary_limit) {
      if (message_.parts.size() + 1 >= kMaxParts) swallow_ = true;
      begin_part(open.digest ? "MESSAGE" : "TEXT", false);
      return;
    }
    finish_multipart();
  }

  void finish_multipart() {
    const OpenPart open = open_.back();
    open_.pop_back();
    Content preamble = open.preamble;
    Content epilogue;
    Delimiter outer;  // one of an enclosing multipart that ended this one
    Part& it = part(open.part);
    if (boundaries_.size() + 1 == open.depth) {
      epilogue = scan_content();
      outer = epilogue.delimiter;
    } else if (!it.children.empty()) {
      outer = std::exchange(delimiters_[it.children.back()], {});
    } else {
      outer = std::exchange(preamble.delimiter, {});
    }
    it.content_size = preamble.size + preamble.delimiter.size + epilogue.size;
    it.content_lines = preamble.lines + preamble.delimiter.lines + epilogue.lines;
    for (const std::uint32_t child : it.children) {
      const Part& inner = part(child);
      it.content_size += inner.header_size + inner.content_size + delimiters_[child].size;
      it.content_lines += inner.header_lines + inner.content_lines + delimiters_[child].lines;
    }
    delimiters_[open.part] = outer;
  }

  std::string_view text_;
  ParseOptions options_;
  std::size_t at_ = 0;
  Boundaries boundaries_;
  std::uint64_t digest_budget_;
  bool swallow_ = false;  // delimiters are no longer looked for
  Message message_;
  std::vector<Delimiter> delimiters_;  // for each part, what ended it
  std::vector<OpenPart> open_;
};

}  // namespace

base::Result<Message> parse_message(std::string_view text, const ParseOptions& options) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    return base::fail(base::Errc::limit, "message of more than 4 GiB");
  }
  return Parser(text, options).parse();
}

Encoding body_encoding(const Part& part) {
  if (part.type == "MESSAGE" || !part.encoding) return Encoding::none;
  if (*part.encoding == "7BIT" || *part.encoding == "8BIT" || *part.encoding == "BINARY") return Encoding::none;
  if (*part.encoding == "QUOTED-PRINTABLE") return Encoding::quoted_printable;
  if (*part.encoding == "BASE64") return Encoding::base64;
  return Encoding::unknown;
}

}  // namespace mime
