#pragma once

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace support {

/// A mail store that a real Cyrus wrote (tests/data/README.txt), unpacked into a directory of its own, which is removed
/// with this object. Its imapd.conf names the true paths. Throws when it cannot be made: the test cannot run then.
class SampleStore {
 public:
  /// `name` as of the archive: "cyrus361-one".
  explicit SampleStore(const std::string& name) {
    std::string pattern = (std::filesystem::temp_directory_path() / "pillarbox-sample-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    directory_ = pattern;
    root_ = directory_ / name;
    try {
      unpack(std::string(TEST_DATA_DIR "/") + name + ".tar.gz");
      fill_in_root();
    } catch (...) {
      remove();
      throw;
    }
  }
  SampleStore(const SampleStore&) = delete;
  SampleStore& operator=(const SampleStore&) = delete;
  ~SampleStore() { remove(); }

  /// Holds conf/, spool/ and imapd.conf.
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path imapd_conf() const { return root_ / "imapd.conf"; }

 private:
  void unpack(std::string archive) const {
    std::string tar = "tar";
    std::string extract = "-xzf";
    std::string into = "-C";
    std::string directory = directory_.string();
    const std::array<char*, 6> arguments{tar.data(),  extract.data(),   archive.data(),
                                         into.data(), directory.data(), nullptr};
    pid_t child = 0;
    int status = 0;
    if (::posix_spawnp(&child, "tar", nullptr, nullptr, arguments.data(), environ) != 0) {
      throw std::runtime_error("cannot run tar");
    }
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("cannot unpack " + archive);
  }

  void fill_in_root() const {
    std::ostringstream content;
    content << std::ifstream(imapd_conf()).rdbuf();
    std::string text = std::move(content).str();
    constexpr std::string_view kPlaceholder = "@ROOT@";
    for (auto at = text.find(kPlaceholder); at != std::string::npos; at = text.find(kPlaceholder, at)) {
      text.replace(at, kPlaceholder.size(), root_.string());
    }
    if (!(std::ofstream(imapd_conf()) << text)) throw std::runtime_error("cannot write " + imapd_conf().string());
  }

  void remove() noexcept {
    std::error_code ignored;  // what is left behind is in the temporary directory
    std::filesystem::remove_all(directory_, ignored);
  }

  std::filesystem::path directory_;
  std::filesystem::path root_;
};

}  // namespace support
