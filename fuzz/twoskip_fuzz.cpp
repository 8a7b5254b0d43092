// Any file as a twoskip and as a skiplist database. Checksums would keep the fuzzer out of all that matters, so the
// file is also tried with the header's and every plausible record head's checksum put right.

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "cyrus/skiplist_reader.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

void read(const Bytes& file) {
  const cyrus::ReadAt read_at = [&file](std::span<unsigned char> into,
                                        std::uint64_t offset) -> base::Result<std::size_t> {
    if (offset >= file.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), file.size() - offset);
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  };
  const auto take = [](cyrus::TwoskipItem&&) { return true; };
  static_cast<void>(cyrus::walk_skiplist(read_at, file.size(), "skiplist", false, take));
  static_cast<void>(cyrus::walk_skiplist(read_at, file.size(), "skiplist", true, take));
  const auto reader = cyrus::TwoskipReader::open(read_at, file.size(), "twoskip");
  if (!reader) return;
  static_cast<void>(reader->walk(take));
  static_cast<void>(reader->walk(take, true));
  static_cast<void>(
      reader->find("Nuser\x1f"
                   "eve"));
  static_cast<void>(reader->first_from("I"));
}

void sign(Bytes& file) {
  if (file.size() < 64) return;
  base::store_be32(file, 60, base::crc32(std::span(file).first(60)));
  for (std::size_t at = 64; at + 24 <= file.size(); at += 8) {
    const bool record = file[at] == '=' || file[at] == '+' || file[at] == '-';
    const std::size_t crc_at = at + 8 + 8 * (std::size_t{file[at + 1]} + 1);
    if (!record || file[at + 1] > 31 || crc_at + 8 > file.size()) continue;
    const std::size_t tail = (std::size_t{base::load_be16(file, at + 2)} + base::load_be32(file, at + 4) + 7) / 8 * 8;
    if (tail != 0 && tail <= file.size() - crc_at - 8) {
      base::store_be32(file, crc_at + 4, base::crc32(std::span(file).subspan(crc_at + 8, tail)));
    }
    base::store_be32(file, crc_at, base::crc32(std::span(file).subspan(at, crc_at - at)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes file(data, data + size);
  read(file);
  sign(file);
  read(file);
  return 0;
}
