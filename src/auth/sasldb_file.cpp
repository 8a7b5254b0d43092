#include "auth/sasldb_file.hpp"

#include "auth/sasldb.hpp"
#include "base/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <db.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

namespace auth {
namespace {

struct CloseDatabase {
  // Read only: there is nothing that closing could lose.
  void operator()(DB* database) const { static_cast<void>(database->close(database, 0)); }
};
struct CloseCursor {
  void operator()(DBC* cursor) const { static_cast<void>(cursor->close(cursor)); }
};

// Berkeley DB would write to standard error by itself; the result says enough.
void ignore_message(const DB_ENV*, const char*, const char*) {}

tl::unexpected<base::Error> fail_database(const std::filesystem::path& file, int code) {
  if (code > 0 && code != EINVAL) return base::fail_system(file.native(), code);
  return base::fail(base::Errc::corrupt, file.native() + ": no sasldb: " + ::db_strerror(code));
}

}  // namespace

std::optional<SasldbUser> parse_sasldb_key(std::string_view key) {
  const auto name_end = key.find('\0');
  if (name_end == std::string_view::npos || name_end == 0) return std::nullopt;
  const auto realm_end = key.find('\0', name_end + 1);
  if (realm_end == std::string_view::npos) return std::nullopt;
  return SasldbUser{std::string(key.substr(0, name_end)),
                    std::string(key.substr(name_end + 1, realm_end - name_end - 1))};
}

base::Result<std::vector<SasldbUser>> read_sasldb_users(const std::filesystem::path& file) {
  std::vector<SasldbUser> users;
  {
    // Berkeley DB tells "cannot be read" and "is something else" less well apart.
    const auto probe = base::open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!probe && probe.error().code == base::Errc::not_found) return users;
    if (!probe) return tl::unexpected(probe.error());
    struct stat status = {};
    if (::fstat(probe->value(), &status) != 0) return base::fail_system(file.native(), errno);
    if (!S_ISREG(status.st_mode)) return base::fail(base::Errc::corrupt, file.native() + ": not a regular file");
    if (status.st_size == 0) return users;
  }
  DB* opened = nullptr;
  if (const int code = ::db_create(&opened, nullptr, 0); code != 0) return fail_database(file, code);
  const std::unique_ptr<DB, CloseDatabase> database(opened);
  database->set_errcall(database.get(), &ignore_message);
  if (const int code = database->open(database.get(), nullptr, file.c_str(), nullptr, DB_HASH, DB_RDONLY, 0);
      code != 0) {
    return fail_database(file, code);
  }
  DBC* made = nullptr;
  if (const int code = database->cursor(database.get(), nullptr, &made, 0); code != 0) return fail_database(file, code);
  const std::unique_ptr<DBC, CloseCursor> cursor(made);
  for (;;) {
    DBT key;
    DBT value;
    std::memset(&key, 0, sizeof key);
    std::memset(&value, 0, sizeof value);
    // Not one octet of a secret: nobody here needs it.
    value.flags = DB_DBT_PARTIAL;
    const int code = cursor->get(cursor.get(), &key, &value, DB_NEXT);
    if (code == DB_NOTFOUND) break;
    if (code != 0) return fail_database(file, code);
    if (auto user = parse_sasldb_key({static_cast<const char*>(key.data), key.size})) {
      users.push_back(std::move(*user));
    }
  }
  std::ranges::sort(users);
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

}  // namespace auth
