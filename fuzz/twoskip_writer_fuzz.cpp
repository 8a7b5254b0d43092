// Any file under a writer: opened, recovered or rebuilt, changed, rewritten. Checksums would keep the fuzzer out, so
// the file is also tried with those of the header and of every plausible record put right. The first octet chooses what
// to do with a file beyond repair. After a commit the file must be clean and hold what was stored: anything else stops
// us.

#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

// Nothing of what is written here must survive.
class ForgetfulDisk : public cyrus::TwoskipDisk {
 public:
  base::Result<void> sync(int, const std::string&) override { return {}; }
  base::Result<void> sync_data(int, const std::string&) override { return {}; }
  base::Result<void> sync_directory(const std::filesystem::path&) override { return {}; }
};

const std::filesystem::path& file_path() {
  static const std::filesystem::path path = [] {
    const std::filesystem::path memory = "/dev/shm";
    const auto folder = std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    return folder / ("twoskip_writer_fuzz." + std::to_string(::getpid()));
  }();
  return path;
}

void check_commit(const std::filesystem::path& path) {
  const auto file = cyrus::TwoskipFile::open(path, base::LockMode::shared);
  CHECK(file.has_value());
  const auto reader = cyrus::TwoskipReader::open(file->reader(), file->size(), "file");
  CHECK(reader.has_value());
  CHECK(reader->clean());
  const auto value = reader->find("key");
  CHECK(!value || *value == "value");
}

void change(const Bytes& bytes, cyrus::TwoskipDamage damage) {
  const auto& path = file_path();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  ForgetfulDisk disk;
  bool committed = false;
  {
    auto database = cyrus::TwoskipWriter::open(path, {.create = false, .damage = damage, .disk = &disk});
    if (database) {
      static_cast<void>(database->erase("b"));
      static_cast<void>(database->store("a", "1"));
      static_cast<void>(database->abort());
      const bool stored = database->store("key", "value").has_value();
      committed = stored && database->commit().has_value();
      static_cast<void>(database->repack());
    }
  }
  if (committed) check_commit(path);
  std::filesystem::remove(path);
}

void sign(Bytes& file) {
  if (file.size() < 64) return;
  base::store_be32(file, 60, base::crc32(std::span(file).first(60)));
  for (std::size_t at = 64; at + 24 <= file.size(); at += 8) {
    const bool record = file[at] == '=' || file[at] == '+' || file[at] == '-' || file[at] == '$';
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
  if (size == 0) return 0;
  const auto damage = static_cast<cyrus::TwoskipDamage>(data[0] % 3);
  Bytes file(data + 1, data + size);
  change(file, damage);
  sign(file);
  change(file, damage);
  return 0;
}
