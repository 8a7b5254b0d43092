#include "manual/mdoc.hpp"

#include "base/ascii.hpp"
#include "config/option.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace manual {
namespace {

constexpr std::size_t kWidth = 78;
constexpr std::string_view kClosing = ".,;:)]";

// Words that macros would call.
constexpr std::array<std::string_view, 12> kMacros{"Ar", "Cm", "Dv", "Ev", "Fl", "Li",
                                                   "Nm", "No", "Ns", "Op", "Pa", "Xr"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else {
      out += c;
    }
  }
  return out;
}

/// A word without the punctuation behind it.
struct Word {
  std::string_view core;
  std::string_view closing;
};

Word split(std::string_view word) {
  const std::size_t end = word.find_last_not_of(kClosing);
  const std::size_t length = end == std::string_view::npos ? 0 : end + 1;
  return Word{word.substr(0, length), word.substr(length)};
}

/// `page(8)` and what follows: name, section, punctuation.
std::optional<std::array<std::string_view, 3>> page_reference(std::string_view word) {
  const std::size_t open = word.find('(');
  if (open == 0 || open == std::string_view::npos || open + 2 >= word.size()) return std::nullopt;
  if (word[open + 1] < '1' || word[open + 1] > '8' || word[open + 2] != ')') return std::nullopt;
  const std::string_view rest = word.substr(open + 3);
  if (rest.find_first_not_of(kClosing) != std::string_view::npos) return std::nullopt;
  return std::array{word.substr(0, open), word.substr(open + 1, 1), rest};
}

/// The punctuation as further arguments of a macro: " . )".
std::string spaced(std::string_view punctuation) {
  std::string out;
  for (const char c : punctuation) out += std::string(" ") + c;
  return out;
}

/// A line of its own for what has a macro; nullopt for an ordinary word.
std::optional<std::string> macro_line(std::string_view word) {
  if (const auto page = page_reference(word)) {
    return ".Xr " + std::string((*page)[0]) + " " + std::string((*page)[1]) + spaced((*page)[2]);
  }
  const Word parts = split(word);
  const bool is_name = parts.core.find('_') != std::string_view::npos || parts.core.starts_with("pop");
  if (is_name && config::find_option(parts.core)) return ".Cm " + std::string(parts.core) + spaced(parts.closing);
  return std::nullopt;
}

bool ends_sentence(std::string_view word) {
  word = word.substr(0, word.find_last_not_of(")]\"'") + 1);
  return word.ends_with('.') || word.ends_with('?') || word.ends_with('!');
}

/// Lines of at most kWidth characters; a macro line and the end of a sentence break them.
class Lines {
 public:
  void add(std::string_view word) {
    if (auto macro = macro_line(word)) {
      finish();
      out_ += *macro + "\n";
      return;
    }
    std::string shown = escaped(word);
    if (line_.empty() && (shown.front() == '.' || shown.front() == '\'')) shown.insert(0, "\\&");
    if (!line_.empty() && line_.size() + 1 + shown.size() > kWidth) finish();
    if (!line_.empty()) line_ += ' ';
    line_ += shown;
    if (ends_sentence(word)) finish();
  }
  std::string take() {
    finish();
    return std::move(out_);
  }

 private:
  void finish() {
    if (!line_.empty()) out_ += line_ + "\n";
    line_.clear();
  }

  std::string out_;
  std::string line_;
};

}  // namespace

std::string text_lines(std::string_view sentences) {
  Lines lines;
  while (!sentences.empty()) {
    const std::size_t blank = std::min(sentences.find(' '), sentences.size());
    if (blank > 0) lines.add(sentences.substr(0, blank));
    sentences.remove_prefix(std::min(blank + 1, sentences.size()));
  }
  return lines.take();
}

std::string argument(std::string_view word) {
  const bool is_macro = std::find(kMacros.begin(), kMacros.end(), word) != kMacros.end();
  const bool is_plain = !word.empty() && !is_macro && word.find_first_of(" \t\"") == std::string_view::npos &&
                        !(word.size() == 1 && (kClosing.find(word[0]) != std::string_view::npos || word == "|"));
  if (is_plain) return escaped(word);
  std::string out = is_macro ? "\"\\&" : "\"";
  for (const char c : escaped(word)) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace manual
