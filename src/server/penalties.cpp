// An address has one bucket, by a hash with the file's own key, so that nobody can choose addresses that push out each
// other's records; the bucket is read, changed, and its one record written. The file is opened each time: failed logins
// are rare, and so is a login at all, compared with what it costs to check a password.
#include "server/penalties.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"
#include "base/sha1.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace server {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kMagic = "PbPenal1";
constexpr std::size_t kKeyOctets = 16;
constexpr std::uint64_t kFileOctets =
    Penalties::kRecordOctets * (1 + std::uint64_t{Penalties::kBuckets} * Penalties::kSlots);
constexpr double kFractions = 1024;  // a score is stored in these
constexpr double kMostScore = 1000000;
/// What of a /48 is one too many, compared with a /64.
constexpr double kSiteFactor = 4;

enum Kind : std::uint32_t { kNone = 0, kV4 = 1, kNet64 = 2, kNet48 = 3 };

/// Offsets in a record; the header has kMagic, the key and the CRC in its places.
enum : std::size_t { kCrcAt = 0, kKindAt = 4, kScoreAt = 8, kTimeAt = 12, kAddressAt = 16 };
enum : std::size_t { kMagicAt = 4, kKeyAt = 16 };

using Record = std::array<unsigned char, Penalties::kRecordOctets>;

void seal(std::span<unsigned char> record) { base::store_be32(record, kCrcAt, base::crc32(record.subspan(kKindAt))); }
bool is_sealed(std::span<const unsigned char> record) {
  return base::load_be32(record, kCrcAt) == base::crc32(record.subspan(kKindAt));
}

struct Subject {
  Kind kind;
  std::array<unsigned char, 16> octets;
};

Record record_of(const Subject& subject, const FailureScore& score) {
  Record out = {};
  base::store_be32(out, kKindAt, subject.kind);
  base::store_be32(out, kScoreAt, static_cast<std::uint32_t>(score.value * kFractions));
  base::store_be32(out, kTimeAt, static_cast<std::uint32_t>(score.at));
  std::copy(subject.octets.begin(), subject.octets.end(), out.begin() + kAddressAt);
  seal(out);
  return out;
}

FailureScore score_in(std::span<const unsigned char> record) {
  return {base::load_be32(record, kScoreAt) / kFractions, base::load_be32(record, kTimeAt)};
}

bool is_about(std::span<const unsigned char> record, const Subject& subject) {
  return is_sealed(record) && base::load_be32(record, kKindAt) == subject.kind &&
         std::equal(subject.octets.begin(), subject.octets.end(), record.begin() + kAddressAt);
}

Subject household_of(const net::IpAddress& address) {
  return {address.is_v4() ? kV4 : kNet64, address.household().octets()};
}

std::optional<Subject> site_of(const net::IpAddress& address) {
  if (address.is_v4()) return std::nullopt;
  return Subject{kNet48, address.site().octets()};
}

}  // namespace

double FailureScore::at_time(std::int64_t now) const {
  constexpr std::int64_t kClocksDiffer = 60;
  if (at > now + kClocksDiffer) return 0;
  if (at > now) return value;
  return value * std::exp2(-static_cast<double>(now - at) / static_cast<double>(kHalfLife.count()));
}

std::chrono::milliseconds penalty(double score, double free_failures, std::chrono::milliseconds longest) {
  constexpr double kFirst = 500;  // milliseconds
  const double over = score - free_failures;
  if (over < 0.5) return std::chrono::milliseconds(0);
  const double wait = std::min(kFirst * std::exp2(std::min(over - 1, 32.0)), static_cast<double>(longest.count()));
  return std::chrono::milliseconds(static_cast<std::int64_t>(wait));
}

/// The file, open for one question or one count.
class Penalties::File {
 public:
  static Result<File> open(const std::filesystem::path& path) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
      if (!fd && errno == ELOOP) return base::fail(Errc::permission, path.native() + ": is a link");
      if (!fd && errno != ENOENT) return base::fail_system(path.native(), errno);
      if (fd) {
        struct stat status = {};
        if (::fstat(fd.value(), &status) != 0) return base::fail_system(path.native(), errno);
        if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) {
          return base::fail(Errc::permission, path.native() + ": not a file of ours");
        }
        File file(std::move(fd), path.native());
        if (static_cast<std::uint64_t>(status.st_size) == kFileOctets && file.read_header()) return file;
      }
      if (auto made = make(path); !made) return tl::unexpected(made.error());
    }
    return base::fail(Errc::io, path.native() + ": does not hold what was written");
  }

  FailureScore score_of(const Subject& subject) {
    if (!read_bucket(subject)) return {};
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (is_about(record(slot), subject)) return score_in(record(slot));
    }
    return {};
  }

  Result<void> count(const Subject& subject, std::int64_t now) {
    if (auto got = read_bucket(subject); !got) return got;
    std::size_t place = 0;
    double least = kMostScore;
    FailureScore score{0, now};
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (is_about(record(slot), subject)) {
        score = score_in(record(slot));
        place = slot;
        break;
      }
      const bool used = is_sealed(record(slot)) && base::load_be32(record(slot), kKindAt) != kNone;
      const double worth = used ? score_in(record(slot)).at_time(now) : -1;
      if (worth < least) {
        least = worth;
        place = slot;
      }
    }
    const FailureScore next{std::min(score.at_time(now) + 1, kMostScore), now};
    return base::write_exactly(fd_.value(), record_of(subject, next), offset_ + place * kRecordOctets, what_);
  }

 private:
  File(base::UniqueFd fd, std::string what) : fd_(std::move(fd)), what_(std::move(what)) {}

  // Readers see no file or a whole one; of two that are made at once the later one stays.
  static Result<void> make(const std::filesystem::path& path) {
    if (::mkdir(path.parent_path().c_str(), 0700) != 0 && errno != EEXIST) {
      return base::fail_system(path.parent_path().native(), errno);
    }
    const std::string next = path.native() + ".new." + std::to_string(::getpid());
    static_cast<void>(::unlink(next.c_str()));  // left by a process that was killed
    const base::UniqueFd fd(::open(next.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return base::fail_system(next, errno);
    Record header = {};
    std::copy(kMagic.begin(), kMagic.end(), header.begin() + kMagicAt);
    std::random_device random;
    std::generate(header.begin() + kKeyAt, header.end(), [&] { return static_cast<unsigned char>(random()); });
    seal(header);
    if (auto written = base::write_exactly(fd.value(), header, 0, next); !written) return written;
    if (::ftruncate(fd.value(), static_cast<off_t>(kFileOctets)) != 0) return base::fail_system(next, errno);
    if (::rename(next.c_str(), path.c_str()) != 0) return base::fail_system(path.native(), errno);
    return {};
  }

  bool read_header() {
    Record header = {};
    if (!base::read_exactly(fd_.value(), header, 0, what_) || !is_sealed(header)) return false;
    if (!std::equal(kMagic.begin(), kMagic.end(), header.begin() + kMagicAt)) return false;
    std::copy(header.begin() + kKeyAt, header.end(), key_.begin());
    return true;
  }

  Result<void> read_bucket(const Subject& subject) {
    std::string hashed(key_.begin(), key_.end());
    hashed += static_cast<char>(subject.kind);
    hashed.append(subject.octets.begin(), subject.octets.end());
    const auto digest = base::sha1(hashed);
    const std::size_t bucket = (std::size_t{digest[0]} << 8 | digest[1]) % kBuckets;
    offset_ = kRecordOctets * (1 + bucket * kSlots);
    return base::read_exactly(fd_.value(), bucket_, offset_, what_);
  }

  std::span<const unsigned char> record(std::size_t slot) const {
    return std::span(bucket_).subspan(slot * kRecordOctets, kRecordOctets);
  }

  base::UniqueFd fd_;
  std::string what_;
  std::array<unsigned char, kKeyOctets> key_ = {};
  std::array<unsigned char, kRecordOctets* kSlots> bucket_ = {};
  std::uint64_t offset_ = 0;  // of the bucket
};

Result<std::chrono::milliseconds> Penalties::wait_of(const net::IpAddress& address, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  auto file = File::open(file_);
  if (!file) return tl::unexpected(file.error());
  auto wait = penalty(file->score_of(household_of(address)).at_time(now), rules_.free_failures, rules_.longest);
  if (const auto site = site_of(address)) {
    wait =
        std::max(wait, penalty(file->score_of(*site).at_time(now), rules_.free_failures * kSiteFactor, rules_.longest));
  }
  return wait;
}

Result<void> Penalties::count_failure(const net::IpAddress& address, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  auto file = File::open(file_);
  if (!file) return tl::unexpected(file.error());
  if (auto counted = file->count(household_of(address), now); !counted) return counted;
  const auto site = site_of(address);
  return site ? file->count(*site, now) : Result<void>();
}

}  // namespace server
