#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace base {

/// The 20 bytes of a SHA-1. Cyrus names messages and their parts by it; it protects nothing.
using Sha1Digest = std::array<unsigned char, 20>;

/// A SHA-1 over pieces. Not to be used again after finish().
class Sha1 {
 public:
  Sha1();
  void add(std::string_view bytes);
  Sha1Digest finish();

 private:
  struct FreeContext {
    void operator()(void* context) const noexcept;
  };
  std::unique_ptr<void, FreeContext> context_;
};

Sha1Digest sha1(std::string_view bytes);

/// The digest as 40 lower-case hexadecimal digits.
std::string hex(const Sha1Digest& digest);

}  // namespace base
