// Locks of an open file description belong to it, not to a thread: two threads with one descriptor would share the lock
// and the first to finish would drop it for both. So each lookup has a descriptor of its own while it runs, and those
// of finished lookups are kept for the next ones. A repacked database is renamed into place, hence the comparison of
// inodes after every lock.

#include "cyrus/mailbox_list.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/dlist.hpp"
#include "cyrus/flat_reader.hpp"
#include "cyrus/skiplist_reader.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;
using Visit = std::function<bool(TwoskipItem&&)>;

constexpr std::size_t kKeptDescriptors = 16;
constexpr int kRenameRetries = 8;
constexpr std::size_t kMaxFlatBytes = std::size_t{256} << 20;

enum class Backend { twoskip, skiplist, flat };

// One open file under the shared lock. The members are released in the order lock, descriptor.
struct Locked {
  base::UniqueFd fd;
  base::FileLock lock;
  std::uint64_t size = 0;
};

ReadAt reader_of(int fd, const std::string& what) {
  return [fd, what](std::span<unsigned char> into, std::uint64_t offset) {
    return base::read_some(fd, std::span(reinterpret_cast<char*>(into.data()), into.size()), offset, what);
  };
}

base::Result<Backend> backend_of(const ReadAt& read, const std::string& what) {
  std::array<unsigned char, 32> bytes{};
  const auto got = read(bytes, 0);
  if (!got) return tl::unexpected(got.error());
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), *got);
  if (is_twoskip(start)) return Backend::twoskip;
  if (is_skiplist(start)) return Backend::skiplist;
  // All binary formats of Cyrus begin with these bytes; a flat file begins with a key.
  if (start.starts_with("\xa1\x02\x8b\x0d")) return base::fail(Errc::unsupported, what + ": unknown kind of database");
  // A list of no mailbox at all is what a full disk or a slip of an administrator leaves. "No such mailbox" would make
  // delivery refuse everybody's mail for good.
  if (start.empty()) return base::fail(Errc::corrupt, what + ": is empty");
  return Backend::flat;
}

// The queries that we have, over whatever kind of database it is. Lives within one lock.
class Database {
 public:
  static base::Result<Database> open(const Locked& file, const std::string& what, bool any_order) {
    Database database(reader_of(file.fd.value(), what), file.size, what, any_order);
    const auto backend = backend_of(database.read_, what);
    if (!backend) return tl::unexpected(backend.error());
    if (*backend == Backend::twoskip) {
      auto twoskip = TwoskipReader::open(database.read_, file.size, what);
      if (!twoskip) return tl::unexpected(std::move(twoskip.error()));
      database.twoskip_ = *std::move(twoskip);
    } else if (*backend == Backend::flat) {
      if (file.size > kMaxFlatBytes) return base::fail(Errc::limit, what + ": too large for a flat database");
      std::string text(static_cast<std::size_t>(file.size), '\0');
      const auto got = base::read_some(file.fd.value(), std::span(text.data(), text.size()), 0, what);
      if (!got) return tl::unexpected(got.error());
      text.resize(*got);
      database.flat_ = std::move(text);
    }
    return database;
  }

  base::Result<void> walk(const Visit& visit) const {
    if (twoskip_) return twoskip_->walk(visit, any_order_);
    if (flat_) return walk_flat(*flat_, what_, visit);
    return walk_skiplist(read_, size_, what_, any_order_, visit);
  }

  /// walk() for the keys that begin with `prefix`.
  base::Result<void> walk_prefix(std::string_view prefix, const Visit& visit) const {
    if (!twoskip_ || any_order_) {
      return walk([&](TwoskipItem&& item) { return !item.key.starts_with(prefix) || visit(std::move(item)); });
    }
    for (std::string from(prefix);;) {
      auto item = twoskip_->first_from(from);
      if (!item) return tl::unexpected(std::move(item.error()));
      if (!*item || !(*item)->key.starts_with(prefix)) return {};
      from = (*item)->key + '\0';  // the first key behind it
      if (!visit(std::move(**item))) return {};
    }
  }

  /// nullopt: no such key.
  base::Result<std::optional<std::string>> find(std::string_view key) const {
    if (twoskip_ && !any_order_) {
      auto value = twoskip_->find(key);
      if (value) return std::optional(*std::move(value));
      if (value.error().code == Errc::not_found) return std::optional<std::string>();
      return tl::unexpected(std::move(value.error()));
    }
    std::optional<std::string> found;
    const auto done = walk([&](TwoskipItem&& item) {
      if (item.key == key) found = std::move(item.value);
      return !found;
    });
    if (!done) return tl::unexpected(done.error());
    return found;
  }

  /// True for a database of 3.6 and later, which has records by uniqueid. A mailbox list of an older release may have a
  /// mailbox whose name begins with I, but its record has no name within.
  base::Result<bool> has_id_records() const {
    std::optional<TwoskipItem> first;
    if (twoskip_ && !any_order_) {
      auto item = twoskip_->first_from("I");
      if (!item) return tl::unexpected(std::move(item.error()));
      first = *std::move(item);
    } else {
      const auto done = walk([&](TwoskipItem&& item) {
        if (item.key.starts_with('I')) first = std::move(item);
        return !first;
      });
      if (!done) return tl::unexpected(done.error());
    }
    return first && first->key.starts_with('I') && parse_id_record(first->key, first->value).has_value();
  }

 private:
  Database(ReadAt read, std::uint64_t size, std::string what, bool any_order)
      : read_(std::move(read)), size_(size), what_(std::move(what)), any_order_(any_order) {}

  ReadAt read_;
  std::uint64_t size_;
  std::string what_;
  bool any_order_;
  std::optional<TwoskipReader> twoskip_;
  std::optional<std::string> flat_;
};

}  // namespace

class MailboxList::Impl {
 public:
  explicit Impl(const StoreConfig& config)
      : path_(config.mailboxes_db), server_name_(config.server_name), any_order_(config.improved_mboxlist_sort) {}

  base::Result<MailboxRecord> find(const MailboxName& name) {
    return with_database([&](const Database& database) { return find_in(database, name); });
  }

  base::Result<void> for_each(const std::function<bool(base::Result<MailboxRecord>)>& visit) {
    return with_database([&](const Database& database) -> base::Result<void> {
      const auto by_id = database.has_id_records();
      if (!by_id) return tl::unexpected(by_id.error());
      const RecordForm form = *by_id ? RecordForm::by_name : RecordForm::plain;
      return database.walk([&](TwoskipItem&& item) {
        // Old databases keep ids and reverse access lists under keys that begin with '$'.
        if (item.key.front() == '$' || (form == RecordForm::by_name && item.key.front() != 'N')) return true;
        return show(item, form, visit);
      });
    });
  }

  base::Result<void> for_each_below(const MailboxName& top,
                                    const std::function<bool(base::Result<MailboxRecord>)>& visit) {
    return with_database([&](const Database& database) -> base::Result<void> {
      const auto by_id = database.has_id_records();
      if (!by_id) return tl::unexpected(by_id.error());
      const RecordForm form = *by_id ? RecordForm::by_name : RecordForm::plain;
      const std::string prefix = *by_id ? 'N' + top.dbname() + '\x1f' : top.intname() + '.';
      return database.walk_prefix(prefix, [&](TwoskipItem&& item) { return show(item, form, visit); });
    });
  }

  base::Result<void> for_each_id(const std::function<bool(const std::string&, base::Result<std::string>)>& visit) {
    return with_database([&](const Database& database) -> base::Result<void> {
      const auto by_id = database.has_id_records();
      if (!by_id) return tl::unexpected(by_id.error());
      if (!*by_id) return {};
      return database.walk([&](TwoskipItem&& item) {
        if (item.key.front() != 'I') return true;
        const std::string uniqueid = item.key.substr(1);
        return visit(uniqueid, parse_id_record(uniqueid, item.value));
      });
    });
  }

 private:
  bool show(const TwoskipItem& item, RecordForm form,
            const std::function<bool(base::Result<MailboxRecord>)>& visit) const {
    const auto name = form == RecordForm::by_name ? MailboxName::from_dbname(std::string_view(item.key).substr(1))
                                                  : MailboxName::from_intname(item.key);
    if (!name) return visit(base::fail(Errc::corrupt, path_.native() + ": " + name.error().text));
    return visit(parse_mailbox_record(*name, item.value, form, server_name_));
  }

  base::Result<MailboxRecord> find_in(const Database& database, const MailboxName& name) const {
    const std::string dbname = name.dbname();
    const auto by_name = database.find("N" + dbname);
    if (!by_name) return tl::unexpected(by_name.error());
    if (!*by_name) return find_plain(database, name);
    auto record = parse_mailbox_record(name, **by_name, RecordForm::by_name, server_name_);
    // A tombstone keeps the id of a mailbox that may live on under another name.
    if (!record || !record->usable()) return record;

    const std::string what = "mailbox " + name.intname() + ": " + path_.native() + ": ";
    const auto by_id = database.find("I" + record->uniqueid);
    if (!by_id) return tl::unexpected(by_id.error());
    if (!*by_id) return base::fail(Errc::corrupt, what + "no record of its uniqueid " + record->uniqueid);
    const auto other = parse_id_record(record->uniqueid, **by_id);
    if (!other) return tl::unexpected(other.error());
    if (*other != dbname) return base::fail(Errc::corrupt, what + "uniqueid " + record->uniqueid + " is of another");
    return record;
  }

  // A record that 3.6 would not see must not be served by us.
  base::Result<MailboxRecord> find_plain(const Database& database, const MailboxName& name) const {
    const auto upgraded = database.has_id_records();
    if (!upgraded) return tl::unexpected(upgraded.error());
    if (!*upgraded) {
      const auto value = database.find(name.intname());
      if (!value) return tl::unexpected(value.error());
      if (*value) return parse_mailbox_record(name, **value, RecordForm::plain, server_name_);
    }
    return base::fail(Errc::not_found, "mailbox " + name.intname() + ": not in " + path_.native());
  }

  template <class Query>
  auto with_database(const Query& query) -> decltype(query(std::declval<const Database&>())) {
    auto file = acquire();
    if (!file) return tl::unexpected(std::move(file.error()));
    // The database borrows the descriptor and must be gone before it is given back.
    auto answer = [&]() -> decltype(query(std::declval<const Database&>())) {
      const auto database = Database::open(*file, path_.native(), any_order_);
      if (!database) return tl::unexpected(database.error());
      return query(*database);
    }();
    file->lock.unlock();
    release(std::move(file->fd));
    return answer;
  }

  base::Result<Locked> acquire() {
    for (int attempt = 0; attempt < kRenameRetries; ++attempt) {
      Locked file;
      file.fd = kept();
      if (!file.fd) {
        auto opened = open();
        if (!opened) return tl::unexpected(std::move(opened.error()));
        file.fd = *std::move(opened);
      }
      auto lock = base::FileLock::try_lock(file.fd.value(), base::LockMode::shared, path_.native());
      if (!lock) {
        if (lock.error().code == Errc::busy) release(std::move(file.fd));
        return tl::unexpected(std::move(lock.error()));
      }
      file.lock = *std::move(lock);
      struct stat opened = {};
      struct stat named = {};
      if (::fstat(file.fd.value(), &opened) != 0) return base::fail_system(path_.native(), errno);
      if (::stat(path_.c_str(), &named) != 0) return unreadable(errno);
      if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) {
        forget_kept();  // they are of the old file too
        continue;
      }
      file.size = static_cast<std::uint64_t>(opened.st_size);
      return file;
    }
    return base::fail(Errc::busy, path_.native() + ": was replaced again and again");
  }

  base::Result<base::UniqueFd> open() const {
    struct stat status = {};
    if (::stat(path_.c_str(), &status) != 0) return unreadable(errno);
    if (S_ISDIR(status.st_mode)) return base::fail(Errc::unsupported, path_.native() + ": zeroskip database");
    if (!S_ISREG(status.st_mode)) return base::fail(Errc::unsupported, path_.native() + ": not a regular file");
    return base::open_file(path_, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  }

  // That there is no database must not look like "no such mailbox": mail would be refused for good.
  tl::unexpected<base::Error> unreadable(int errnum) const {
    base::Error error = base::system_error(path_.native(), errnum);
    if (error.code == Errc::not_found) error.code = Errc::io;
    return tl::unexpected<base::Error>(std::move(error));
  }

  base::UniqueFd kept() {
    const std::lock_guard guard(mutex_);
    if (kept_.empty()) return {};
    base::UniqueFd fd = std::move(kept_.back());
    kept_.pop_back();
    return fd;
  }

  void forget_kept() {
    const std::lock_guard guard(mutex_);
    kept_.clear();
  }

  void release(base::UniqueFd fd) {
    const std::lock_guard guard(mutex_);
    if (kept_.size() < kKeptDescriptors) kept_.push_back(std::move(fd));
  }

  const std::filesystem::path path_;
  const std::string server_name_;
  const bool any_order_;
  std::mutex mutex_;
  std::vector<base::UniqueFd> kept_;
};

MailboxList::MailboxList(const StoreConfig& config) : impl_(std::make_unique<Impl>(config)) {}
MailboxList::~MailboxList() = default;

base::Result<MailboxRecord> MailboxList::find(const MailboxName& name) const { return impl_->find(name); }

base::Result<void> MailboxList::for_each(const std::function<bool(base::Result<MailboxRecord>)>& visit) const {
  return impl_->for_each(visit);
}

base::Result<void> MailboxList::for_each_below(const MailboxName& top,
                                               const std::function<bool(base::Result<MailboxRecord>)>& visit) const {
  return impl_->for_each_below(top, visit);
}

base::Result<void> MailboxList::for_each_id(
    const std::function<bool(const std::string&, base::Result<std::string>)>& visit) const {
  return impl_->for_each_id(visit);
}

}  // namespace cyrus
