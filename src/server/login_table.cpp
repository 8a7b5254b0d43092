// All of the file is read and written under one lock, for microseconds. Whether a record is true is asked of the
// kernel: each process (each LoginTable, to be exact) has a byte far behind the records locked for as long as it lives,
// and a record names that byte. So nothing has to be cleaned up after a kill -9, and no pid has to be trusted.

#include "server/login_table.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <set>
#include <span>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace server {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kRecordOctets = 64;  // of the header too; divides a page, so that no record lies in two
constexpr std::string_view kMagic = "PbLogin1";
constexpr std::uint32_t kMaxHolders = 16384;
constexpr off_t kTableLock = off_t{1} << 40;
constexpr off_t kHolderLocks = off_t{1} << 41;
constexpr std::size_t kChunkRecords = 1024;
/// How long the lock is asked for before the caller is sent away, and with it all who come soon after: somebody who is
/// stopped while he holds it must not hold the threads of the pool as well.
constexpr int kLockAttempts = 20;
constexpr std::chrono::milliseconds kLockPause{1};
constexpr std::chrono::milliseconds kBusyRest{20};
/// At most so many files of proc/ are looked at; and what was found serves for so many times as long as the look took.
constexpr std::size_t kMaxProcFiles = 20000;
constexpr int kProcRest = 20;
constexpr std::chrono::seconds kLongestRest{1};

using Record = std::array<unsigned char, kRecordOctets>;

/// Offsets in a record.
enum : std::size_t { kHolderAt = 0, kCrcAt = 4, kPidAt = 8, kUserAt = 12, kHostAt = 32 };
/// Offsets in the header; its CRC is where a record's is.
enum : std::size_t { kMagicAt = 8, kGenerationAt = 16, kSizeAt = 24 };

std::uint32_t crc_of(std::span<const unsigned char> record) {
  return base::crc32(record.subspan(kPidAt), base::crc32(record.first(kCrcAt)));
}

void seal(std::span<unsigned char> record) { base::store_be32(record, kCrcAt, crc_of(record)); }
bool is_sealed(std::span<const unsigned char> record) { return base::load_be32(record, kCrcAt) == crc_of(record); }

off_t offset_of(std::uint32_t record) { return static_cast<off_t>((std::uint64_t{record} + 1) * kRecordOctets); }

struct flock one_byte(short type, off_t at) {
  struct flock request = {};
  request.l_type = type;
  request.l_whence = SEEK_SET;
  request.l_start = at;
  request.l_len = 1;
  return request;
}

/// Errors: busy; io.
Result<void> lock_byte(int fd, off_t at, const std::string& what) {
  struct flock request = one_byte(F_WRLCK, at);
  while (::fcntl(fd, F_OFD_SETLK, &request) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return base::fail(Errc::busy, what + ": locked by another process");
    return base::fail_system("lock " + what, errno);
  }
  return {};
}

std::uint64_t random_generation() {
  std::random_device random;  // others must notice that it is another one; nothing secret depends on it
  return (std::uint64_t{random()} << 32) | random() | 1U;
}

bool same(std::span<const unsigned char> bytes, const base::Sha1Digest& digest) {
  return std::equal(digest.begin(), digest.end(), bytes.begin());
}

}  // namespace

/// What one pass over the records saw.
struct LoginTable::Scan {
  int of_user = 0;
  int of_host = 0;
  std::optional<std::uint32_t> free;  // the first one
  std::uint32_t records = 0;          // in the file
  std::uint32_t used = 0;             // one behind the last that is
  std::set<pid_t> pids;
  bool damaged = false;
};

/// The table lock, for a scope.
class LoginTable::Locked {
 public:
  explicit Locked(int fd) : fd_(fd) {}
  Locked(Locked&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Locked& operator=(Locked&&) = delete;
  ~Locked() {
    if (fd_ < 0) return;
    struct flock request = one_byte(F_UNLCK, kTableLock);
    static_cast<void>(::fcntl(fd_, F_OFD_SETLK, &request));  // cannot fail for a lock that is held
  }

 private:
  int fd_;
};

LoginTable::LoginTable(std::filesystem::path file, std::string proc_directory, std::string service, LoginLimits limits)
    : file_(std::move(file)),
      proc_directory_(std::move(proc_directory)),
      service_(std::move(service)),
      limits_(limits) {}

// The kernel frees the byte, and with it all records that name it.
LoginTable::~LoginTable() = default;

Result<Entrance> LoginTable::enter(std::string_view user, std::string_view host) {
  const std::scoped_lock mutex(mutex_);
  const auto locked = lock();
  if (!locked) return tl::unexpected(locked.error());
  const Keys keys{base::sha1(user), base::sha1(host)};
  auto seen = scan(&keys);
  if (seen && seen->damaged) {
    if (auto made = make_anew(); !made) return tl::unexpected(made.error());
    seen = scan(&keys);
  }
  if (!seen) return tl::unexpected(seen.error());

  Entrance entrance;
  entrance.of_user = seen->of_user;
  entrance.of_host = seen->of_host;
  count_proc(user, host, *seen, entrance);
  if (limits_.per_user > 0 && entrance.of_user >= limits_.per_user) return entrance;
  if (limits_.per_host > 0 && entrance.of_host >= limits_.per_host) return entrance;
  const std::uint32_t record = seen->free.value_or(seen->records);
  if (record >= kMaxRecords) return base::fail(Errc::limit, file_.native() + ": is full");
  if (auto written = write_record(record, keys); !written) return tl::unexpected(written.error());
  entrance.ticket = next_ticket_++;
  sessions_[*entrance.ticket] = Session{keys, record};
  return entrance;
}

void LoginTable::leave(std::uint64_t ticket) {
  const std::scoped_lock mutex(mutex_);
  const auto found = sessions_.find(ticket);
  if (found == sessions_.end()) return;
  if (found->second.record) left_.push_back(*found->second.record);
  sessions_.erase(found);
  static_cast<void>(lock());  // frees what has left; else the next lock does
}

void LoginTable::refresh() {
  const std::scoped_lock mutex(mutex_);
  if (sessions_.empty() && left_.empty()) return;
  const auto locked = lock();
  if (!locked) return;  // the next call may
  const auto seen = scan(nullptr);
  if (seen && seen->damaged) static_cast<void>(make_anew());
}

/// Opens the file, takes the lock, and brings file and memory in line.
Result<LoginTable::Locked> LoginTable::lock() {
  for (int attempt = 0;; ++attempt) {
    if (auto opened = open_if_replaced(); !opened) return tl::unexpected(opened.error());
    const auto taken = lock_byte(fd_.value(), kTableLock, file_.native());
    if (taken) break;
    const auto now = std::chrono::steady_clock::now();
    const bool sent_away = attempt == kLockAttempts || now < busy_until_;
    if (attempt == kLockAttempts) busy_until_ = now + kBusyRest;
    if (taken.error().code != Errc::busy || sent_away) return tl::unexpected(taken.error());
    std::this_thread::sleep_for(kLockPause);
  }
  Locked locked(fd_.value());
  if (holder_ == 0) {
    if (auto taken = take_holder(); !taken) return tl::unexpected(taken.error());
  }
  if (auto current = make_current(); !current) return tl::unexpected(current.error());
  return locked;
}

/// Somebody may have removed the file: what is locked in it then tells nobody anything.
Result<void> LoginTable::open_if_replaced() {
  struct stat ours = {};
  struct stat there = {};
  const bool is_there = ::lstat(file_.c_str(), &there) == 0;
  if (fd_ && is_there && ::fstat(fd_.value(), &ours) == 0 && ours.st_dev == there.st_dev &&
      ours.st_ino == there.st_ino) {
    return {};
  }
  fd_.reset();
  holder_ = 0;
  generation_ = 0;
  left_.clear();
  for (auto& [ticket, session] : sessions_) session.record.reset();
  if (!is_there && ::mkdir(file_.parent_path().c_str(), 0700) != 0 && errno != EEXIST) {
    return base::fail_system(file_.parent_path().native(), errno);
  }
  base::UniqueFd fd(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600));
  if (!fd && errno == ELOOP) return base::fail(Errc::permission, file_.native() + ": is a link");
  if (!fd) return base::fail_system(file_.native(), errno);
  struct stat status = {};
  if (::fstat(fd.value(), &status) != 0) return base::fail_system(file_.native(), errno);
  if (!S_ISREG(status.st_mode)) return base::fail(Errc::permission, file_.native() + ": not a regular file");
  fd_ = std::move(fd);
  return {};
}

/// Finds a number whose byte nobody has locked, and frees what its last holder left.
Result<void> LoginTable::take_holder() {
  for (std::uint32_t holder = 1; holder <= kMaxHolders; ++holder) {
    const auto taken = lock_byte(fd_.value(), kHolderLocks + holder, file_.native());
    if (taken) {
      holder_ = holder;
      // generation_ is 0: make_current() looks through all records, and ours are none yet.
      return {};
    }
    if (taken.error().code != Errc::busy) return taken;
  }
  return base::fail(Errc::limit, file_.native() + ": too many processes");
}

/// The header as it should be, our sessions in the file, and nothing there of ours that has left.
Result<void> LoginTable::make_current() {
  Record header = {};
  const auto got =
      base::read_some(fd_.value(), std::span(reinterpret_cast<char*>(header.data()), header.size()), 0, file_.native());
  if (!got) return tl::unexpected(got.error());
  const bool good = *got == header.size() && is_sealed(header) &&
                    std::memcmp(header.data() + kMagicAt, kMagic.data(), kMagic.size()) == 0 &&
                    base::load_be32(header, kSizeAt) == kRecordOctets;
  if (!good) return make_anew();
  const std::uint64_t generation = base::load_be64(header, kGenerationAt);
  if (generation == generation_) return free_left();

  // Records that name our holder are those of a process that is gone, and whose number we have got.
  left_.clear();
  for (auto& [ticket, session] : sessions_) session.record.reset();
  generation_ = generation;
  const auto seen = scan(nullptr);
  if (!seen) return tl::unexpected(seen.error());
  return seen->damaged ? make_anew() : enter_again();
}

/// Throws everything away. Whoever else has sessions in the file sees another generation, and enters them again.
Result<void> LoginTable::make_anew() {
  left_.clear();
  for (auto& [ticket, session] : sessions_) session.record.reset();
  generation_ = random_generation();
  Record header = {};
  std::memcpy(header.data() + kMagicAt, kMagic.data(), kMagic.size());
  base::store_be64(header, kGenerationAt, generation_);
  base::store_be32(header, kSizeAt, kRecordOctets);
  seal(header);
  if (::ftruncate(fd_.value(), 0) != 0) return base::fail_system(file_.native(), errno);
  if (auto written = base::write_exactly(fd_.value(), header, 0, file_.native()); !written) {
    generation_ = 0;
    return written;
  }
  return enter_again();
}

Result<void> LoginTable::enter_again() {
  const auto seen = scan(nullptr);
  if (!seen) return tl::unexpected(seen.error());
  std::uint32_t record = seen->records;
  for (auto& [ticket, session] : sessions_) {
    if (session.record) continue;
    if (record >= kMaxRecords) return base::fail(Errc::limit, file_.native() + ": is full");
    if (auto written = write_record(record, session.keys); !written) return written;
    session.record = record++;
  }
  return {};
}

Result<void> LoginTable::free_left() {
  while (!left_.empty()) {
    if (auto freed = free_record(left_.back()); !freed) return freed;
    left_.pop_back();
  }
  return {};
}

/// Goes through all records; frees those whose process is gone, and cuts the file behind the last one.
Result<LoginTable::Scan> LoginTable::scan(const Keys* keys) {
  struct stat status = {};
  if (::fstat(fd_.value(), &status) != 0) return base::fail_system(file_.native(), errno);
  Scan seen;
  const auto records = static_cast<std::uint64_t>(status.st_size) / kRecordOctets;
  seen.records = static_cast<std::uint32_t>(std::min<std::uint64_t>(records > 0 ? records - 1 : 0, kMaxRecords));
  seen.damaged = static_cast<std::uint64_t>(status.st_size) % kRecordOctets != 0 || records > kMaxRecords + 1;

  std::set<std::uint32_t> ours;
  for (const auto& [ticket, session] : sessions_) {
    if (session.record) ours.insert(*session.record);
  }
  std::map<std::uint32_t, bool> asked;
  const auto lives = [&](std::uint32_t holder) {
    const auto [answer, is_new] = asked.try_emplace(holder, false);
    if (is_new) answer->second = holder_lives(holder);
    return answer->second;
  };
  std::vector<unsigned char> chunk(kChunkRecords * kRecordOctets);
  for (std::uint32_t first = 0; first < seen.records && !seen.damaged; first += kChunkRecords) {
    const std::size_t count = std::min<std::size_t>(kChunkRecords, seen.records - first);
    const std::span bytes = std::span(chunk).first(count * kRecordOctets);
    const auto read =
        base::read_exactly(fd_.value(), bytes, static_cast<std::uint64_t>(offset_of(first)), file_.native());
    if (!read) return tl::unexpected(read.error());
    for (std::size_t i = 0; i < count && !seen.damaged; ++i) {
      const auto number = static_cast<std::uint32_t>(first + i);
      const std::span record = bytes.subspan(i * kRecordOctets, kRecordOctets);
      const std::uint32_t holder = base::load_be32(record, kHolderAt);
      if (holder == 0) {
        if (!seen.free) seen.free = number;
        continue;
      }
      if (!is_sealed(record) || holder > kMaxHolders) {
        seen.damaged = true;
        continue;
      }
      if (!(holder == holder_ ? ours.contains(number) : lives(holder))) {
        if (auto freed = free_record(number); !freed) return tl::unexpected(freed.error());
        if (!seen.free) seen.free = number;
        continue;
      }
      seen.used = number + 1;
      seen.pids.insert(static_cast<pid_t>(base::load_be32(record, kPidAt)));
      if (keys != nullptr && same(record.subspan(kUserAt), keys->user)) ++seen.of_user;
      if (keys != nullptr && same(record.subspan(kHostAt), keys->host)) ++seen.of_host;
    }
  }
  if (seen.damaged || seen.used == seen.records) return seen;
  if (::ftruncate(fd_.value(), offset_of(seen.used)) != 0) return base::fail_system(file_.native(), errno);
  seen.records = seen.used;
  if (seen.free && *seen.free >= seen.records) seen.free.reset();
  return seen;
}

bool LoginTable::holder_lives(std::uint32_t holder) const {
  struct flock request = one_byte(F_WRLCK, kHolderLocks + holder);
  // What cannot be found out counts as true: too many is a refusal, too few a hole.
  return ::fcntl(fd_.value(), F_OFD_GETLK, &request) != 0 || request.l_type != F_UNLCK;
}

Result<void> LoginTable::write_record(std::uint32_t record, const Keys& keys) {
  Record bytes = {};
  base::store_be32(bytes, kHolderAt, holder_);
  base::store_be32(bytes, kPidAt, static_cast<std::uint32_t>(::getpid()));
  std::copy(keys.user.begin(), keys.user.end(), bytes.begin() + kUserAt);
  std::copy(keys.host.begin(), keys.host.end(), bytes.begin() + kHostAt);
  seal(bytes);
  return base::write_exactly(fd_.value(), bytes, static_cast<std::uint64_t>(offset_of(record)), file_.native());
}

Result<void> LoginTable::free_record(std::uint32_t record) {
  const Record bytes = {};
  return base::write_exactly(fd_.value(), bytes, static_cast<std::uint64_t>(offset_of(record)), file_.native());
}

/// Under the lock no process of ours enters or leaves, so whoever of them stands in proc/ is in the table.
void LoginTable::count_proc(std::string_view user, std::string_view host, const Scan& seen, Entrance& entrance) {
  if (proc_directory_.empty()) return;
  const auto began = std::chrono::steady_clock::now();
  if (began >= proc_good_until_) {
    proc_ = read_proc_sessions(proc_directory_, service_, kMaxProcFiles);
    std::erase_if(proc_, [&seen](const ProcSession& session) {
      return session.pid == ::getpid() || seen.pids.contains(session.pid);
    });
    const auto ended = std::chrono::steady_clock::now();
    proc_good_until_ = ended + std::min<std::chrono::steady_clock::duration>(kProcRest * (ended - began), kLongestRest);
  }
  for (const ProcSession& session : proc_) {
    if (session.user == user) ++entrance.of_user;
    if (session.host == host) ++entrance.of_host;
  }
}

}  // namespace server
