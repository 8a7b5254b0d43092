#pragma once

#include "base/file_io.hpp"
#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cyrus::testing {

using Content = std::map<std::string, std::string>;

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(path);  // some file systems write a file to the disk at once that is overwritten
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string read_file(const std::filesystem::path& path) {
  auto bytes = base::read_file(path, std::size_t{64} << 20);
  EXPECT_TRUE(bytes) << bytes.error().text;
  return bytes ? *bytes : std::string();
}

inline base::Result<TwoskipReader> reader_of(const std::string& bytes) {
  const ReadAt read = [&bytes](std::span<unsigned char> into, std::uint64_t offset) -> base::Result<std::size_t> {
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  };
  return TwoskipReader::open(read, bytes.size(), "bytes");
}

/// What a file of these bytes holds, checked on the way: clean, keys rising, as many as the header says, and each to be
/// found through the higher lists too.
inline base::Result<Content> clean_content(const std::string& bytes) {
  const auto reader = reader_of(bytes);
  if (!reader) return tl::unexpected(reader.error());
  if (!reader->clean()) return base::fail(base::Errc::corrupt, "unclean");
  Content found;
  const auto done = reader->walk([&](TwoskipItem&& item) {
    found.emplace_hint(found.end(), std::move(item.key), std::move(item.value));
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  if (reader->header().record_count != found.size()) return base::fail(base::Errc::corrupt, "record count");
  for (const auto& [key, value] : found) {
    const auto one = reader->find(key);
    if (!one) return tl::unexpected(one.error());
    if (*one != value) return base::fail(base::Errc::corrupt, "found another value of " + key);
  }
  return found;
}

inline base::Result<Content> clean_content(const std::filesystem::path& path) { return clean_content(read_file(path)); }

/// Keeps what a writer does to its file, and can let one step fail. `beside` is true for steps on the new version.
/// Syncing is only noted, not done: tests open thousands of files.
class RecordingDisk : public TwoskipDisk {
 public:
  struct Write {
    std::uint64_t offset;
    std::string bytes;
    bool beside = false;
  };
  struct Truncate {
    std::uint64_t size;
  };
  struct Sync {
    bool data_only;
    bool beside = false;
  };
  struct Rename {
    std::string from;
  };
  struct SyncDirectory {};
  using Step = std::variant<Write, Truncate, Sync, Rename, SyncDirectory>;

  base::Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset,
                           const std::string& what) override {
    const auto text = std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (auto may = step(Write{offset, std::string(text), what.ends_with(".NEW")}); !may) {
      // A full disk takes the first part.
      static_cast<void>(TwoskipDisk::write(fd, bytes.first(bytes.size() / 2), offset, what));
      return may;
    }
    return TwoskipDisk::write(fd, bytes, offset, what);
  }
  base::Result<void> sync(int, const std::string& what) override { return step(Sync{false, what.ends_with(".NEW")}); }
  base::Result<void> sync_data(int, const std::string& what) override {
    return step(Sync{true, what.ends_with(".NEW")});
  }
  base::Result<void> truncate(int fd, std::uint64_t size, const std::string& what) override {
    if (auto may = step(Truncate{size}); !may) return may;
    return TwoskipDisk::truncate(fd, size, what);
  }
  base::Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (auto may = step(Rename{read_file(from)}); !may) return may;
    return TwoskipDisk::rename(from, to);
  }
  base::Result<void> sync_directory(const std::filesystem::path&) override { return step(SyncDirectory{}); }

  std::vector<Step> steps;
  /// The step with this number fails, and with `stay_broken` all after it.
  std::optional<std::size_t> fail_at;
  bool stay_broken = false;

 private:
  base::Result<void> step(Step step) {
    const std::size_t number = steps.size();
    steps.push_back(std::move(step));
    if (fail_at && (number == *fail_at || (stay_broken && number > *fail_at))) {
      return base::fail(base::Errc::io, "injected failure of step " + std::to_string(number));
    }
    return {};
  }
};

}  // namespace cyrus::testing
