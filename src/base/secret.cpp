#include "base/secret.hpp"

#include <string.h>

namespace base {

void wipe(std::string& text) noexcept {
  text.resize(text.capacity());  // never allocates; makes the tail behind size() writable
  if (!text.empty()) ::explicit_bzero(text.data(), text.size());
  text.clear();
}

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_.assign(other.bytes_);
    other.wipe();
  }
  return *this;
}

void Secret::wipe() noexcept { base::wipe(bytes_); }

}  // namespace base
