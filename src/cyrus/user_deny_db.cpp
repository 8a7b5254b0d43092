#include "cyrus/user_deny_db.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "cyrus/flat_reader.hpp"
#include "cyrus/skiplist_reader.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;
using config::Option;

/// A block list of more is none that somebody keeps by hand.
constexpr std::size_t kMaxFlatBytes = std::size_t{16} << 20;
constexpr std::string_view kBinary = "\xa1\x02\x8b\x0d";  // what all binary formats of Cyrus begin with

}  // namespace

base::Result<UserDenyDb> UserDenyDb::configured(const config::ImapdConf& conf) {
  const auto format = conf.choice(Option::userdeny_db);
  if (format == "sql" || format == "twom") {
    return base::fail(Errc::unsupported, conf.file().native() + ": userdeny_db: " + std::string(format) +
                                             " cannot be read: use flat, skiplist or twoskip");
  }
  if (const auto path = conf.text(Option::userdeny_db_path); path && !path->empty()) {
    return UserDenyDb(std::string(*path));
  }
  return UserDenyDb(std::string(conf.text(Option::configdirectory).value_or("")) + "/user_deny.db");
}

base::Result<std::optional<std::string>> UserDenyDb::find(std::string_view user) const {
  std::optional<std::string> found;
  auto file = base::open_file(path_, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) {
    if (file.error().code == Errc::not_found) return found;
    return tl::unexpected(std::move(file.error()));
  }
  // A file that is replaced meanwhile is read as it was: each is whole.
  const auto lock = base::FileLock::try_lock(file->value(), base::LockMode::shared, path_);
  if (!lock) return tl::unexpected(lock.error());
  struct stat status = {};
  if (::fstat(file->value(), &status) != 0) return base::fail_system(path_, errno);
  if (!S_ISREG(status.st_mode)) return base::fail(Errc::unsupported, path_ + ": not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);

  const ReadAt read = [this, fd = file->value()](std::span<unsigned char> into, std::uint64_t offset) {
    return base::read_some(fd, std::span(reinterpret_cast<char*>(into.data()), into.size()), offset, path_);
  };
  std::array<unsigned char, 32> bytes{};
  const auto got = read(bytes, 0);
  if (!got) return tl::unexpected(got.error());
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), *got);
  const auto pick = [&](TwoskipItem&& item) {
    if (item.key == user) found = std::move(item.value);
    return !found;
  };

  if (is_twoskip(start)) {
    const auto reader = TwoskipReader::open(read, size, path_);
    if (!reader) return tl::unexpected(reader.error());
    auto value = reader->find(user);
    if (value) return std::optional(*std::move(value));
    if (value.error().code != Errc::not_found) return tl::unexpected(std::move(value.error()));
    return found;
  }
  base::Result<void> done;
  if (is_skiplist(start)) {
    done = walk_skiplist(read, size, path_, false, pick);
  } else if (start.starts_with(kBinary)) {
    return base::fail(Errc::unsupported, path_ + ": unknown kind of database");
  } else {
    if (size > kMaxFlatBytes) return base::fail(Errc::limit, path_ + ": too large for a flat database");
    std::string text(static_cast<std::size_t>(size), '\0');
    const auto all = base::read_some(file->value(), std::span(text.data(), text.size()), 0, path_);
    if (!all) return tl::unexpected(all.error());
    text.resize(*all);
    done = walk_flat(text, path_, pick);
  }
  if (!done) return tl::unexpected(done.error());
  return found;
}

}  // namespace cyrus
