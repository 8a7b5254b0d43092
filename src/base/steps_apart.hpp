#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace base {

/// A few changes of files that happen as a whole although this process may be killed or crash among them: a child
/// process makes them, and goes on to the end alone. What run_apart() does for any work, at a fiftieth of its price:
/// the child shares this memory instead of getting a copy, and so does nothing but the calls that stand ready here.
///
/// The child has the descriptors of this process, and with them its locks: those stay held until the child has ended.
/// It stops at the first step that fails. Taking back what was done is up to the caller, which knows how far it came.
class StepsApart {
 public:
  /// Begins the texts of errors.
  explicit StepsApart(std::string what) : what_(std::move(what)) {}

  /// Each adds one step. Descriptors and bytes must live until run() has returned.
  void link(const std::filesystem::path& from, const std::filesystem::path& to);
  void rename(const std::filesystem::path& from, const std::filesystem::path& to);
  void write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset, std::string_view name);
  void sync_data(int fd, std::string_view name);
  void sync_directory(const std::filesystem::path& directory);

  /// The number of steps so far, which is the number of the next one.
  std::size_t size() const { return steps_.size(); }

  /// Makes the changes, once. Where no child can be made they are made here: as safe as they would be without. Blocks
  /// until the child has ended: worker pool only. Safe to call from several threads, each with an object of its own.
  /// Errors: io and what the calls say; also when the child was killed.
  Result<void> run();

  /// After run(): how many steps were begun. All before the last of them are done; if run() failed, the last one may
  /// be done, half done, or not.
  std::size_t begun() const { return begun_; }

 private:
  enum class Kind { link, rename, write, sync_data, sync_directory };
  struct Step {
    Kind kind;
    std::string name;  // of what is changed
    std::string to;
    int fd = -1;
    std::span<const unsigned char> bytes;
    std::uint64_t offset = 0;
  };

  static int run_child(void* self);
  static int carry_out(const Step& step);
  void carry_out_all();
  Error failure() const;

  std::string what_;
  std::vector<Step> steps_;
  // Written by the child, which shares this memory.
  volatile std::size_t begun_ = 0;
  volatile int errnum_ = 0;
  volatile bool is_over_ = false;
};

}  // namespace base
