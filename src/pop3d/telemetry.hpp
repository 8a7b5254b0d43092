#pragma once

#include "base/unique_fd.hpp"
#include "net/stream_witness.hpp"
#include "pop3d/telemetry_text.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace pop3d {

/// Writes the telemetry of all sessions of a process, on a thread of its own that begins with the first block: a disk
/// that is slow or full costs what would have been written, and no session a moment.
class TelemetryWriter {
 public:
  /// What may wait for the disk: of one session, and of all.
  static constexpr std::size_t kMostOfOne = std::size_t{1} << 20;
  static constexpr std::size_t kMostOfAll = std::size_t{8} << 20;

  TelemetryWriter();
  TelemetryWriter(const TelemetryWriter&) = delete;
  TelemetryWriter& operator=(const TelemetryWriter&) = delete;
  /// Waits until what is queued is written, for a few seconds at most.
  ~TelemetryWriter();

 private:
  friend class Telemetry;
  struct File;
  struct Core;
  std::shared_ptr<Core> core_;  // the thread's too: it may be stuck in the disk when we go
};

/// The telemetry of one session. Loop only.
class Telemetry final : public net::StreamWitness {
 public:
  /// Appends to `file` (telemetry_file.hpp). `writer` outlives it.
  Telemetry(TelemetryWriter& writer, base::UniqueFd file, std::string user);

  void received(std::string_view octets) noexcept override;
  void sent(std::string_view octets) noexcept override;

  /// Why something was lost, for the log: told once. nullopt: all is well, or has been told.
  std::optional<std::string> trouble();

 private:
  void append(std::string block);

  TelemetryWriter& writer_;
  std::shared_ptr<TelemetryWriter::File> file_;
  std::string user_;
  ClientMask mask_;
  std::size_t left_out_ = 0;  // octets since the last block that found room
  bool begun_ = false;
  bool slow_ = false;
  bool told_ = false;
};

}  // namespace pop3d
