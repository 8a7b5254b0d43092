#include "config/conf_file.hpp"

#include "base/file_io.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace config {
namespace {

base::Result<std::string> read_exactly_there(const std::filesystem::path& path) {
  auto text = base::read_file(path, kMaxConfFileBytes);
  if (text || text.error().errnum == 0) return text;
  const base::Error& error = text.error();
  return tl::unexpected(base::Error{
      error.code,
      "can't open configuration file " + path.native() + ": " + std::generic_category().message(error.errnum),
      error.errnum});
}

}  // namespace

base::Result<std::string> read_conf_file(const std::filesystem::path& path) {
  const char* prefix = std::getenv("CYRUS_PREFIX");
  if (prefix != nullptr && *prefix != '\0' && path.is_absolute()) {
    auto text = read_exactly_there(prefix + path.native());
    if (text || (text.error().errnum != ENOENT && text.error().errnum != ENOTDIR)) return text;
  }
  return read_exactly_there(path);
}

std::string place(const std::string& file, int line) { return file + ": line " + std::to_string(line); }

tl::unexpected<base::Error> fail_at(const std::string& file, int line, const std::string& what) {
  return base::fail(base::Errc::invalid, place(file, line) + ": " + what);
}

}  // namespace config
