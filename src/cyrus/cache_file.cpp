#include "cyrus/cache_file.hpp"

#include "base/byte_order.hpp"
#include "base/directory.hpp"
#include "base/file_write.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

constexpr std::uint64_t kGenerationSize = 4;
constexpr std::uint64_t kAlignment = 4;
constexpr std::uint64_t kEndOfOffsets = std::uint64_t{1} << 48;

std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

}  // namespace

base::Result<CacheFile> CacheFile::open(const std::filesystem::path& file, std::uint32_t generation, std::string what) {
  base::UniqueFd fd;
  do {
    fd.reset(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666));
  } while (!fd && errno == EINTR);
  if (!fd) return base::fail_system(what, errno);
  struct stat status = {};
  if (::fstat(fd.value(), &status) != 0) return base::fail_system(what, errno);
  if (!S_ISREG(status.st_mode)) return base::fail(base::Errc::corrupt, what + ": not a regular file");

  auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < kGenerationSize) {
    std::array<unsigned char, kGenerationSize> begin{};
    base::store_be32(begin, 0, generation);
    if (const auto written = base::write_exactly(fd.value(), begin, 0, what); !written) {
      return tl::unexpected(written.error());
    }
    if (const auto synced = base::sync_directory(file.parent_path()); !synced) {
      return tl::unexpected(synced.error());
    }
    size = kGenerationSize;
  }
  return CacheFile(std::move(fd), std::move(what), size);
}

base::Result<std::uint64_t> CacheFile::append(std::string_view record) {
  // A crash may have left a part of a record.
  const std::uint64_t padding = (kAlignment - size_before_ % kAlignment) % kAlignment;
  const std::uint64_t offset = size_before_ + padding;
  if (offset + record.size() >= kEndOfOffsets)
    return base::fail(base::Errc::unsupported, what_ + ": full; run reconstruct");
  if (const auto written = base::write_exactly(fd_.value(), bytes_of(record), offset, what_); !written) {
    return tl::unexpected(written.error());
  }
  base::begin_sync(fd_.value());
  return offset;
}

bool CacheFile::take_back() noexcept { return ::ftruncate(fd_.value(), static_cast<off_t>(size_before_)) == 0; }

}  // namespace cyrus
