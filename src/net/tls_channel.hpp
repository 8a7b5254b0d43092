#pragma once

#include "base/result.hpp"
#include "net/tls_context.hpp"
#include "net/tls_info.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct bio_st;
struct bio_method_st;

namespace net {

/// The server's side of one TLS connection, without waiting: Stream drives it and does the waiting.
///
/// What arrives is put into space() by the owner, who then calls again; what leaves is sent by OpenSSL straight to the
/// non-blocking socket. So an idle connection holds one small buffer of ours and none of OpenSSL's.
class TlsChannel {
 public:
  enum class Step {
    done,
    want_read,   ///< Receive into space(), then call again.
    want_write,  ///< Wait until the socket takes more, then call again with the same octets.
    closed,      ///< The peer said goodbye, or the socket is gone.
    failed,      ///< See failure(). The connection is over.
  };

  /// Octets of ciphertext that may arrive without one octet of content: room for any handshake with client
  /// certificates, and the end of floods of KeyUpdate, of refused renegotiation and of empty records.
  static constexpr std::size_t kMaxSilentOctets = 256 * 1024;
  /// The most that one record carries (RFC 8446 s5.1).
  static constexpr std::size_t kRecordOctets = 16 * 1024;

  /// Borrows `socket`, which must stay open as long as the channel. Fails only when memory does.
  static base::Result<std::unique_ptr<TlsChannel>> accept(const TlsContext& context, int socket);
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;
  ~TlsChannel();

  Step handshake();
  /// Reads at most one record's content. `octets` is set when done, and is then at least 1.
  Step read(std::span<char> into, std::size_t& octets);
  /// Sends all of `text`, of at most kRecordOctets, as one record.
  Step write(std::string_view text);
  /// Sends close_notify; does not wait for the peer's.
  Step shutdown();

  /// True when read() may succeed without more ciphertext.
  bool has_input() const noexcept;
  std::span<char> space() noexcept;
  void received(std::size_t octets) noexcept;
  /// True when kMaxSilentOctets have been passed.
  bool is_noise() const noexcept { return silent_octets_ > kMaxSilentOctets; }

  TlsInfo info() const;
  /// What OpenSSL said when a step failed.
  const std::string& failure() const noexcept { return failure_; }

 private:
  struct Bio;  // OpenSSL's callbacks
  friend struct Bio;

  TlsChannel(ssl_st* ssl, int socket) noexcept : ssl_(ssl), socket_(socket) {}
  Step outcome(int result);

  ssl_st* ssl_;
  int socket_;
  bool broken_ = false;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::size_t silent_octets_ = 0;
  std::string failure_;
  std::array<char, 512> input_;  // ciphertext received and not read by OpenSSL yet
};

}  // namespace net
