#pragma once

#include <ctime>
#include <string>
#include <string_view>

/// What stands in a telemetry file (doc/format/telemetry.md). Pure.
namespace pop3d {

/// The head of a session: who, and when in local time.
std::string telemetry_head(std::string_view user, std::time_t now);

/// A block from the client, or to it, behind its mark. "" for an empty block.
std::string telemetry_received(std::string_view octets, std::time_t now);
std::string telemetry_sent(std::string_view octets, std::time_t now);

/// Takes out of what a client sends after its login whatever is no command of the TRANSACTION state. A client that is
/// confused may send its password once more, and a line of base64 shows nothing of what it is.
class ClientMask {
 public:
  /// What may be shown of the next octets; lines begin and end anywhere. An unknown line is `***` and its line end. The
  /// first octets of a line are kept back until its keyword is known.
  std::string show(std::string_view octets);

 private:
  enum class State { keyword, known, hidden };
  State state_ = State::keyword;
  std::string keyword_;
  bool after_cr_ = false;
};

}  // namespace pop3d
