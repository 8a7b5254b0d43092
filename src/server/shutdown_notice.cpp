#include "server/shutdown_notice.hpp"

#include "base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace server {
namespace {

/// Longer than any reply may be.
constexpr std::size_t kMaxLine = 1024;

std::optional<std::string> first_line(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO must not hold us.
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status = {};
  if (!file || ::fstat(file.value(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::array<char, kMaxLine> buffer = {};
  ssize_t got = -1;
  do {
    got = ::read(file.value(), buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  // The file is there, which is what counts.
  std::string_view line(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  line = line.substr(0, line.find_first_of("\r\n"));
  line.remove_prefix(std::min(line.find_first_not_of('['), line.size()));
  return std::string(line);
}

}  // namespace

std::optional<std::string> read_shutdown_file(const std::filesystem::path& directory, std::string_view service) {
  // A name with a slash would lead elsewhere.
  if (!service.empty() && service.find('/') == std::string_view::npos) {
    if (auto line = first_line(directory / ("shutdown." + std::string(service)))) return line;
  }
  return first_line(directory / "shutdown");
}

}  // namespace server
