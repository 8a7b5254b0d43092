#include "config/imapd_conf_lines.hpp"

#include "base/ascii.hpp"
#include "config/conf_file.hpp"
#include "config/value.hpp"

#include <set>
#include <unordered_map>

namespace config {
namespace {

namespace ascii = base::ascii;

constexpr bool is_key_char(char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; }

/// Takes joined lines off the front of a text and counts them.
class LineSource {
 public:
  explicit LineSource(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  int first_line() const { return first_line_; }

  /// The next line. A backslash as its very last byte joins the following line as it stands, also behind a comment.
  /// At the end of the text a backslash without a newline is text.
  std::string next() {
    std::string joined;
    first_line_ = ++lines_;
    for (;;) {
      const std::size_t end = rest_.find('\n');
      const std::string_view piece = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      const bool continues = end != std::string_view::npos && piece.ends_with('\\');
      joined += piece.substr(0, piece.size() - (continues ? 1 : 0));
      if (!continues || at_end()) return joined;
      ++lines_;
    }
  }

 private:
  std::string_view rest_;
  int lines_ = 0;
  int first_line_ = 0;
};

class Reader {
 public:
  explicit Reader(const IncludeReader& read_include) : read_include_(read_include) {}

  base::Result<void> file(const std::string& name, std::string_view text, int depth) {
    files_.insert(name);
    LineSource lines(text);
    while (!lines.at_end()) {
      const std::string line = lines.next();
      auto done = this->line(name, lines.first_line(), line, depth);
      if (!done) return done;
    }
    return {};
  }

  std::vector<Statement> take() { return std::move(statements_); }

 private:
  base::Result<void> line(const std::string& name, int number, std::string_view text, int depth) {
    if (text.find('\0') != std::string_view::npos) return fail_at(name, number, "a NUL byte");
    text = ascii::trim(text);
    if (text.empty() || text.front() == '#') return {};

    const bool directive = text.front() == '@';
    std::size_t colon = directive ? 1 : 0;
    while (colon < text.size() && is_key_char(text[colon])) ++colon;
    const bool name_ends = colon == text.size() || ascii::trim(text.substr(colon, 1)).empty();
    // Of the line no more than the name is repeated: behind it may be a password.
    if (colon > 0 && name_ends) return fail_at(name, number, "no ':' right behind " + shown(text.substr(0, colon)));
    if (colon == 0 || text[colon] != ':') return fail_at(name, number, "invalid option name");
    std::string key = ascii::lower(text.substr(0, colon));
    const std::string_view value = ascii::trim(text.substr(colon + 1));
    if (value.empty()) return fail_at(name, number, "empty option value");

    if (!directive) return statement(Statement{std::move(key), std::string(value), name, number});
    if (key != "@include") return fail_at(name, number, "invalid directive " + shown(key));
    return include(name, number, std::string(value), depth + 1);
  }

  base::Result<void> statement(Statement made) {
    const auto [known, is_new] = first_.emplace(made.key, statements_.size());
    if (!is_new) {
      const Statement& first = statements_[known->second];
      return fail_at(made.file, made.line,
                     "option " + shown(made.key) + " was specified twice in config file (first in " +
                         place(first.file, first.line) + ")");
    }
    statements_.push_back(std::move(made));
    return {};
  }

  base::Result<void> include(const std::string& name, int number, const std::string& path, int depth) {
    if (files_.contains(path)) return fail_at(name, number, "configuration file " + shown(path) + " included twice");
    if (depth > kMaxIncludeDepth || files_.size() > kMaxIncludedFiles) {
      return base::fail(base::Errc::limit, place(name, number) + ": too many files are included");
    }
    const auto text = read_include_(path);
    if (!text) {
      const base::Error& error = text.error();
      return tl::unexpected(base::Error{error.code, place(name, number) + ": " + error.text, error.errnum});
    }
    return file(path, *text, depth);
  }

  const IncludeReader& read_include_;
  std::set<std::string> files_;
  std::vector<Statement> statements_;
  std::unordered_map<std::string, std::size_t> first_;
};

}  // namespace

base::Result<std::vector<Statement>> parse_imapd_conf_lines(const std::string& file, std::string_view text,
                                                            const IncludeReader& read_include) {
  Reader reader(read_include);
  const auto done = reader.file(file, text, 0);
  if (!done) return tl::unexpected(done.error());
  return reader.take();
}

}  // namespace config
