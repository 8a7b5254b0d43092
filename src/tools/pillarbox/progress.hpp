#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tools {

/// One line of a progress bar for a terminal of `columns`: "import   45% [######      ] 9000/20000  0:12 left". Without
/// a total only the number. Never wider than the terminal. Pure.
std::string progress_line(std::string_view label, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed, std::size_t columns, std::string_view unit = "");

/// A progress bar on standard error while something takes long; nothing at all where that is no terminal. It is drawn
/// a few times a second and removed in the end, so that the result stands alone.
class Progress {
 public:
  /// `total` 0: not known.
  Progress(std::string_view label, std::uint64_t total, std::string_view unit = "");
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  void set_total(std::uint64_t total) { total_ = total; }
  void advance(std::uint64_t steps = 1);
  /// Shows that time passes, within one step.
  void tick();
  /// Takes the bar off the screen, for a line of text; the next advance() draws it again.
  void clear();

 private:
  void draw();

  std::string label_;
  std::string unit_;
  std::uint64_t done_ = 0;
  std::uint64_t total_;
  bool on_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace tools
