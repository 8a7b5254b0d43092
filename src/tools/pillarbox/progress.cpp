#include "tools/pillarbox/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tools {
namespace {

constexpr std::chrono::milliseconds kInterval{100};
constexpr std::size_t kUsualColumns = 80;

std::string time_text(std::chrono::seconds time) {
  const auto seconds = std::max<std::int64_t>(time.count(), 0);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld:%02lld", static_cast<long long>(seconds / 60),
                static_cast<long long>(seconds % 60));
  return text.data();
}

std::size_t columns_of_terminal() {
  struct winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

void put(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string progress_line(std::string_view label, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed, std::size_t columns, std::string_view unit) {
  const std::size_t room = columns > 1 ? columns - 1 : 0;  // a terminal may wrap at its last column
  std::string head(label);
  if (total == 0) return (head + ' ' + std::to_string(done) + std::string(unit)).substr(0, room);
  done = std::min(done, total);
  // In double: a total may be as large as octets of a file system.
  const double part = static_cast<double>(done) / static_cast<double>(total);
  const std::string percent = std::to_string(static_cast<int>(part * 100)) + '%';
  head += ' ' + std::string(4 - std::min<std::size_t>(4, percent.size()), ' ') + percent + ' ';
  std::string tail = ' ' + std::to_string(done) + '/' + std::to_string(total) + std::string(unit);
  if (part > 0.01 && done < total) {
    const double left = static_cast<double>(elapsed.count()) * (1 - part) / part / 1000;
    tail += "  " + time_text(std::chrono::seconds(static_cast<std::int64_t>(left))) + " left";
  }
  const std::size_t taken = head.size() + tail.size() + 2;
  if (taken + 8 > room) return (head + tail).substr(0, room);
  const std::size_t width = std::min<std::size_t>(room - taken, 40);
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(width));
  return head + '[' + std::string(filled, '#') + std::string(width - filled, ' ') + ']' + tail;
}

Progress::Progress(std::string_view label, std::uint64_t total, std::string_view unit)
    : label_(label),
      unit_(unit),
      total_(total),
      on_terminal_(::isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_(start_ - kInterval) {}

void Progress::advance(std::uint64_t steps) {
  done_ += steps;
  tick();
}

void Progress::tick() {
  if (!on_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kInterval) return;
  last_ = now;
  draw();
}

void Progress::clear() {
  if (!drawn_) return;
  put("\r\033[K");
  drawn_ = false;
}

void Progress::draw() {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(last_ - start_);
  put('\r' + progress_line(label_, done_, total_, elapsed, columns_of_terminal(), unit_) + "\033[K");
  drawn_ = true;
}

}  // namespace tools
