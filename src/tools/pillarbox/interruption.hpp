#pragma once

namespace tools {

/// While this lives, SIGINT, SIGTERM and SIGHUP do not end the process, but are remembered: work that can be repeated
/// stops at the next good place instead. A second one ends it at once. One at a time.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  static bool requested();
};

}  // namespace tools
