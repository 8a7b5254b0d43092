#pragma once

#include <cstdint>
#include <string_view>

namespace master {

/// What master believes of one process of a service (doc/format/service-protocol.md).
enum class WorkerState {
  ready,    ///< accepting connections
  busy,     ///< not accepting
  unknown,  ///< has not said, or cannot say: DAEMON entries have no status pipe
  dead,     ///< ended a moment ago; its last messages may still be on the way
};

/// What is worth a line in the log about a message.
enum class Oddity { none, already_ready, already_busy, serving_while_ready, multi_while_busy, unknown_message };

struct Transition {
  WorkerState next;
  bool connection;  ///< a connection began
  Oddity oddity;

  friend bool operator==(const Transition&, const Transition&) = default;
};

/// The message table of the service protocol. `message` comes from the wire and may be anything.
Transition transition(WorkerState from, std::int32_t message);

/// "READY", "BUSY", "UNKNOWN", "DEAD".
std::string_view name(WorkerState state);

}  // namespace master
