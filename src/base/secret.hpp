#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

/// A password or token. Its bytes are overwritten when it is destroyed, assigned or moved from; it has no stream
/// operator, so it cannot be logged by mistake.
class Secret {
 public:
  Secret() noexcept = default;
  explicit Secret(std::string_view text) : bytes_(text) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  std::string_view view() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_.empty(); }
  void wipe() noexcept;

 private:
  std::string bytes_;
};

/// Overwrites the whole capacity of `text`, also what lies behind its size, and empties it.
void wipe(std::string& text) noexcept;

}  // namespace base
