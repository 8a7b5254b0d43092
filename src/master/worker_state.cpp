#include "master/worker_state.hpp"

#include "service/status.hpp"

namespace master {

Transition transition(WorkerState from, std::int32_t message) {
  using enum WorkerState;
  using service::Message;
  const bool ended = from == WorkerState::dead;
  switch (static_cast<Message>(message)) {
    case Message::available:
      if (ended) return {from, false, Oddity::none};
      return {ready, false, from == ready ? Oddity::already_ready : Oddity::none};
    case Message::unavailable:
      if (ended) return {from, false, Oddity::none};
      return {busy, false, from == busy ? Oddity::already_busy : Oddity::none};
    case Message::connection:
      if (ended) return {from, true, Oddity::none};
      return {busy, true, from == ready ? Oddity::serving_while_ready : Oddity::none};
    case Message::connection_multi:
      if (ended) return {from, true, Oddity::none};
      return {ready, true, from == busy ? Oddity::multi_while_busy : Oddity::none};
  }
  return {from, false, Oddity::unknown_message};
}

std::string_view name(WorkerState state) {
  switch (state) {
    case WorkerState::ready:
      return "READY";
    case WorkerState::busy:
      return "BUSY";
    case WorkerState::unknown:
      return "UNKNOWN";
    case WorkerState::dead:
      return "DEAD";
  }
  return "?";
}

}  // namespace master
