#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "maildrop/maildrop.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cyrus {

/// An open message file. Cyrus never writes into one after its index record is committed, so it can be read without a
/// lock, and it stays readable when somebody expunges the message meanwhile.
class MessageFile final : public maildrop::Message {
 public:
  /// `size` is what fstat said; `what` names the file in error texts.
  MessageFile(base::UniqueFd fd, std::uint64_t size, std::string what)
      : fd_(std::move(fd)), size_(size), what_(std::move(what)) {}

  std::uint64_t size() const override { return size_; }

  /// Never more than size() octets in all, even if the file grew; a file that shrank is Errc::corrupt.
  base::Result<std::size_t> read(std::span<char> into, std::uint64_t offset, maildrop::Access access) override;

 private:
  base::UniqueFd fd_;
  std::uint64_t size_;
  std::string what_;
};

/// Opens `file`, an absolute path without any symbolic link in it, and checks that it is a regular file of `octets`
/// bytes: what the scan listing promised is what will be sent. FIFOs, devices and links cannot stop or redirect us.
/// `mailbox` begins error texts ("mailbox user.ann").
///
/// Access::cached_only never waits for the disk. Errors: would_block; not_found; corrupt (not a regular file, other
/// size, symbolic link); permission; io.
base::Result<std::unique_ptr<maildrop::Message>> open_message_file(const std::filesystem::path& file,
                                                                   std::uint64_t octets, maildrop::Access access,
                                                                   std::string_view mailbox);

}  // namespace cyrus
