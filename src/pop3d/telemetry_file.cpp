#include "pop3d/telemetry_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace pop3d {
namespace {

using base::Errc;
using base::UniqueFd;

constexpr mode_t kMode = 0644;  // less the umask
constexpr int kFlags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

tl::unexpected<base::Error> refused(const TelemetryPlace& place, std::string_view name, const std::string& why) {
  std::string path = place.directory + "/" + place.user;
  if (!name.empty()) path += "/" + std::string(name);
  return base::fail(Errc::permission, path + ": " + why);
}

tl::unexpected<base::Error> failed(const TelemetryPlace& place, std::string_view name) {
  const int error = errno;
  return refused(place, name, std::strerror(error));
}

/// The parts of a session's id, of which the last four are numbers.
std::vector<std::string_view> parts_of(std::string_view id) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= id.size();) {
    const auto end = std::min(id.find('-', begin), id.size());
    parts.push_back(id.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The names to try, the best first.
std::vector<std::string> names(const TelemetryPlace& place) {
  std::vector<std::string> out;
  if (place.by_session_id) {
    out.push_back(place.service + "-" + place.session_id);
  } else {
    out.push_back(place.service + "-" + std::to_string(::getpid()));
    const auto parts = parts_of(place.session_id);
    if (!place.one_at_a_time && parts.size() >= 4) {
      const auto* const last = &parts.back();
      out.push_back(out[0] + "-" + std::string(*(last - 3)) + "." + std::string(*(last - 1)));
    }
  }
  for (std::string& name : out) std::replace(name.begin(), name.end(), '/', '_');
  return out;
}

/// A name that somebody else may have made before us, for something else.
base::Result<UniqueFd> open_existing(const TelemetryPlace& place, int directory, const std::string& name) {
  UniqueFd file(::openat(directory, name.c_str(), kFlags));
  if (!file) return failed(place, name);
  struct stat found = {};
  if (::fstat(file.value(), &found) != 0) return failed(place, name);
  if (!S_ISREG(found.st_mode)) return refused(place, name, "not a regular file");
  if (found.st_uid != ::geteuid()) return refused(place, name, "belongs to somebody else");
  if (found.st_nlink > 1) return refused(place, name, "has another name elsewhere");
  return file;
}

}  // namespace

base::Result<std::optional<UniqueFd>> open_telemetry(const TelemetryPlace& place) {
  if (place.directory.empty() || !is_file_name(place.user)) return std::nullopt;
  const UniqueFd log(::open(place.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!log) return std::nullopt;
  const UniqueFd directory(::openat(log.value(), place.user.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) {
    if (errno == ENOENT || errno == ENAMETOOLONG) return std::nullopt;
    return failed(place, "");
  }
  struct stat found = {};
  if (::fstat(directory.value(), &found) != 0) return failed(place, "");
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) return refused(place, "", "belongs to somebody else");
  const bool group_is_ours = found.st_gid == ::getegid();
  if ((found.st_mode & S_IWOTH) != 0 || ((found.st_mode & S_IWGRP) != 0 && !group_is_ours)) {
    return refused(place, "", "others may write in it");
  }

  const auto wanted = names(place);
  for (const std::string& name : wanted) {
    UniqueFd file(::openat(directory.value(), name.c_str(), kFlags | O_CREAT | O_EXCL, kMode));
    if (file) return std::optional<UniqueFd>(std::move(file));
    if (errno != EEXIST) return failed(place, name);
  }
  if (!place.one_at_a_time || place.by_session_id) return refused(place, wanted.back(), std::strerror(EEXIST));
  auto file = open_existing(place, directory.value(), wanted[0]);
  if (!file) return tl::unexpected(file.error());
  return std::optional<UniqueFd>(std::move(*file));
}

}  // namespace pop3d
