#include "cyrus/wire_sizes.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <stdlib.h>
#include <string>
#include <system_error>
#include <unistd.h>

// The file, all numbers big-endian: magic "PBWS0001" (8), uidvalidity (4), first (4), last (4), count (4), then count
// times uid (4) and surplus (8), then the CRC32 of all before it (4). See doc/format/wire-sizes.md.

namespace cyrus {
namespace {

constexpr std::string_view kMagic = "PBWS0001";
constexpr std::size_t kHeaderOctets = 24;
constexpr std::size_t kSurplusOctets = 12;
constexpr std::size_t kCrcOctets = 4;
constexpr std::size_t kMaxFileOctets = kHeaderOctets + kMaxSurplus * kSurplusOctets + kCrcOctets;

std::span<const unsigned char> bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

bool is_intact(const std::string& text) {
  if (text.size() < kHeaderOctets + kCrcOctets || !text.starts_with(kMagic)) return false;
  const auto bytes = bytes_of(text);
  const std::size_t body = bytes.size() - kCrcOctets;
  return base::load_be32(bytes, body) == base::crc32(bytes.first(body)) &&
         body == kHeaderOctets + std::size_t{base::load_be32(bytes, 20)} * kSurplusOctets;
}

}  // namespace

std::filesystem::path wire_sizes_path(const std::filesystem::path& config_directory, std::string_view uniqueid) {
  return config_directory / "pillarbox" / "sizes" / std::string(uniqueid.substr(0, 1)) / std::string(uniqueid);
}

WireSizes load_wire_sizes(const std::filesystem::path& file, std::uint32_t uidvalidity) {
  WireSizes nothing;
  nothing.uidvalidity = uidvalidity;
  const auto text = base::read_file(file, kMaxFileOctets);
  if (!text || !is_intact(*text)) return nothing;
  const auto bytes = bytes_of(*text);
  if (base::load_be32(bytes, 8) != uidvalidity) return nothing;

  WireSizes sizes;
  sizes.uidvalidity = uidvalidity;
  sizes.first = base::load_be32(bytes, 12);
  sizes.last = base::load_be32(bytes, 16);
  for (std::size_t at = kHeaderOctets; at + kCrcOctets < bytes.size(); at += kSurplusOctets) {
    const maildrop::Uid uid{base::load_be32(bytes, at)};
    if (!sizes.surplus.empty() && sizes.surplus.back().uid >= uid) return nothing;
    sizes.surplus.push_back({uid, base::load_be64(bytes, at + 4)});
  }
  return sizes;
}

base::Result<void> save_wire_sizes(const std::filesystem::path& file, const WireSizes& sizes) {
  std::string text(kHeaderOctets + sizes.surplus.size() * kSurplusOctets + kCrcOctets, '\0');
  std::copy(kMagic.begin(), kMagic.end(), text.begin());
  const std::span<unsigned char> bytes(reinterpret_cast<unsigned char*>(text.data()), text.size());
  base::store_be32(bytes, 8, sizes.uidvalidity);
  base::store_be32(bytes, 12, sizes.first);
  base::store_be32(bytes, 16, sizes.last);
  base::store_be32(bytes, 20, static_cast<std::uint32_t>(sizes.surplus.size()));
  std::size_t at = kHeaderOctets;
  for (const Surplus& one : sizes.surplus) {
    base::store_be32(bytes, at, value(one.uid));
    base::store_be64(bytes, at + 4, one.octets);
    at += kSurplusOctets;
  }
  base::store_be32(bytes, at, base::crc32(std::span<const unsigned char>(bytes).first(at)));

  std::error_code error;  // what is wrong with the directory shows at the next step
  std::filesystem::create_directories(file.parent_path(), error);
  std::string temporary = file.native() + ".XXXXXX";
  const base::UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return base::fail_system(file.native(), errno);
  auto written = base::write_exactly(fd.value(), bytes, 0, temporary);
  if (written && ::rename(temporary.c_str(), file.c_str()) == 0) return {};
  const int errnum = errno;
  ::unlink(temporary.c_str());
  if (!written) return written;
  return base::fail_system(file.native(), errnum);
}

bool measure_new_messages(const std::vector<maildrop::Entry>& entries, WireSizes& sizes, const MeasureBudget& budget,
                          const MeasureMessage& measure) {
  auto entry = entries.end();
  if (sizes.last == 0) {
    entry -= static_cast<std::ptrdiff_t>(std::min(entries.size(), budget.messages));
  } else {
    entry = std::find_if(entries.begin(), entries.end(), [&](const auto& one) { return value(one.uid) > sizes.last; });
  }
  std::size_t messages = 0;
  std::uint64_t octets = 0;
  for (; entry != entries.end() && messages < budget.messages && octets < budget.octets; ++entry, ++messages) {
    const auto on_the_wire = measure(*entry);
    // A message that is gone or damaged is refused at RETR anyway; a disk that fails may do better next time.
    if (!on_the_wire && on_the_wire.error().code == base::Errc::io) break;
    if (sizes.surplus.size() >= kMaxSurplus) break;
    if (sizes.last == 0) sizes.first = value(entry->uid);
    sizes.last = value(entry->uid);
    if (on_the_wire && *on_the_wire > entry->octets)
      sizes.surplus.push_back({entry->uid, *on_the_wire - entry->octets});
    octets += entry->octets;
  }
  return messages > 0;
}

std::vector<Surplus> add_surplus(std::vector<maildrop::Entry>& entries, const WireSizes& sizes) {
  std::vector<Surplus> listed;
  auto entry = entries.begin();
  for (const Surplus& one : sizes.surplus) {
    entry = std::lower_bound(entry, entries.end(), one.uid,
                             [](const maildrop::Entry& left, maildrop::Uid uid) { return left.uid < uid; });
    if (entry == entries.end()) break;
    if (entry->uid != one.uid) continue;
    entry->octets = (std::uint64_t{entry->octets} + one.octets) & ((std::uint64_t{1} << 62) - 1);
    listed.push_back(one);
  }
  return listed;
}

}  // namespace cyrus
