#pragma once

#include <string_view>

namespace net {

/// Is shown what a Stream receives and sends, as its protocol sees it: clear text, also under TLS. On the loop, while
/// an operation of the stream is under way: it must neither use the stream nor block, and the views die when the call
/// returns.
class StreamWitness {
 public:
  StreamWitness() = default;
  StreamWitness(const StreamWitness&) = delete;
  StreamWitness& operator=(const StreamWitness&) = delete;
  virtual ~StreamWitness() = default;

  /// One block, as it was read: lines begin and end anywhere in it.
  virtual void received(std::string_view octets) noexcept = 0;
  /// One block, as it was written.
  virtual void sent(std::string_view octets) noexcept = 0;
};

}  // namespace net
