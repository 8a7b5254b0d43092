#include "cyrus/message_annotations.hpp"

#include "base/byte_order.hpp"
#include "base/file_io.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

constexpr int kRenameRetries = 8;
// More annotations than this on one message are no mail store.
constexpr std::size_t kMaxPerMessage = 10'000;

tl::unexpected<base::Error> corrupt(std::string_view text) {
  return base::fail(Errc::corrupt, "annotation: " + std::string(text));
}

/// The value's text when the length field is `width` bytes wide, and what follows its NUL; nullopt when it does not
/// fit.
std::optional<std::pair<std::string_view, std::string_view>> split(std::string_view value, std::size_t width) {
  if (value.size() < width + 1) return std::nullopt;
  const std::span bytes(reinterpret_cast<const unsigned char*>(value.data()), value.size());
  const std::size_t length = base::load_be32(bytes, 0);
  if (width == 8 && base::load_be32(bytes, 4) != 0) return std::nullopt;
  if (length > value.size() - width - 1 || value[width + length] != '\0') return std::nullopt;
  return std::pair(value.substr(width, length), value.substr(width + length + 1));
}

}  // namespace

base::Result<std::optional<MessageAnnotation>> parse_message_annotation(std::string_view rest_of_key,
                                                                        std::string_view value) {
  const std::size_t entry_end = rest_of_key.find('\0');
  if (entry_end == std::string_view::npos) return corrupt("the key has no end of its entry");
  std::string_view userid = rest_of_key.substr(entry_end + 1);
  if (!userid.ends_with('\0')) return corrupt("the key has no end of its userid");
  userid.remove_suffix(1);
  if (userid.find('\0') != std::string_view::npos) return corrupt("the key has too many parts");

  // The length was written as a C long, so its width, and that of the time behind, is that of the writer's machine.
  std::size_t width = 8;
  auto parts = split(value, width);
  if (!parts) {
    width = 4;
    parts = split(value, width);
  }
  if (!parts) return corrupt("the value has no such length as it says");
  MessageAnnotation annotation{std::string(rest_of_key.substr(0, entry_end)), std::string(userid),
                               std::string(parts->first)};

  // Content type, time, modseq, flags; the older the release, the fewer of them.
  std::string_view rest = parts->second;
  const std::size_t type_end = rest.find('\0');
  if (type_end == std::string_view::npos) return annotation;
  rest.remove_prefix(type_end + 1);
  const std::size_t flags_at = width + 8;
  constexpr char kIsGone = 1;
  if (rest.size() > flags_at && (rest[flags_at] & kIsGone) != 0) return std::optional<MessageAnnotation>();
  return annotation;
}

std::string encode_annotation_value(std::string_view text) {
  std::vector<unsigned char> length(8);
  base::store_be32(length, 0, static_cast<std::uint32_t>(text.size()));
  std::string value(length.begin(), length.end());
  value += text;
  value += '\0';
  value += "text/plain";
  value.append(1 + 8 + 8 + 1, '\0');  // its end, time, modseq, flags
  return value;
}

base::Result<MessageAnnotations> MessageAnnotations::open(const std::filesystem::path& file, std::string what) {
  MessageAnnotations out(std::move(what));
  for (int attempt = 0;; ++attempt) {
    auto fd = base::open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd && fd.error().code == Errc::not_found) return out;
    if (!fd) return tl::unexpected(std::move(fd.error()));
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(fd->value(), &opened) != 0) return base::fail_system(out.what_, errno);
    if (!S_ISREG(opened.st_mode)) return base::fail(Errc::corrupt, out.what_ + ": not a regular file");
    auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::shared, out.what_);
    if (!lock) return tl::unexpected(std::move(lock.error()));
    if (::stat(file.c_str(), &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
      out.lock_ = std::move(*lock);
      std::swap(out.fd_, *fd);
      break;
    }
    if (attempt == kRenameRetries) return base::fail(Errc::busy, out.what_ + ": was replaced again and again");
  }

  struct stat status = {};
  if (::fstat(out.fd_.value(), &status) != 0) return base::fail_system(out.what_, errno);
  const ReadAt read = [fd = out.fd_.value(), name = out.what_](std::span<unsigned char> into, std::uint64_t offset) {
    return base::read_some(fd, std::span(reinterpret_cast<char*>(into.data()), into.size()), offset, name);
  };
  std::array<unsigned char, 32> start{};
  const auto got = read(start, 0);
  if (!got) return tl::unexpected(got.error());
  if (*got == 0) return out;  // made and not yet filled
  if (!is_twoskip(std::string_view(reinterpret_cast<const char*>(start.data()), *got))) {
    return base::fail(Errc::unsupported, out.what_ + ": no twoskip database");
  }
  auto reader = TwoskipReader::open(read, static_cast<std::uint64_t>(status.st_size), out.what_);
  if (!reader) return tl::unexpected(std::move(reader.error()));
  if (reader->header().record_count != 0 || !reader->clean()) out.reader_ = std::move(*reader);
  return out;
}

base::Result<std::vector<MessageAnnotation>> MessageAnnotations::of(std::uint32_t uid) const {
  std::vector<MessageAnnotation> found;
  if (!reader_) return found;
  const std::string prefix = std::to_string(uid) + '\0';
  std::string from = prefix;
  for (std::size_t steps = 0; steps < kMaxPerMessage; ++steps) {
    const auto item = reader_->first_from(from);
    if (!item) return tl::unexpected(item.error());
    if (!*item || !(*item)->key.starts_with(prefix)) return found;
    auto annotation = parse_message_annotation(std::string_view((*item)->key).substr(prefix.size()), (*item)->value);
    if (!annotation) {
      return base::fail(Errc::corrupt, what_ + ": UID " + std::to_string(uid) + ": " + annotation.error().text);
    }
    if (*annotation) found.push_back(std::move(**annotation));
    from = (*item)->key + '\0';  // the first key behind it
  }
  return base::fail(Errc::limit, what_ + ": UID " + std::to_string(uid) + ": too many annotations");
}

}  // namespace cyrus
