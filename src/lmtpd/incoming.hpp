#pragma once

#include "cyrus/delivery.hpp"
#include "cyrus/message_intake.hpp"
#include "lmtp/reply.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lmtpd {

/// One recipient of a message that is coming in, and what became of the delivery.
struct Delivery {
  cyrus::DeliveryRequest request;
  std::optional<base::Result<cyrus::Delivered>> outcome;  ///< nullopt: not tried yet, or to be tried again

  explicit Delivery(cyrus::DeliveryRequest for_whom) : request(std::move(for_whom)) {}
};

/// The message of one transaction on its way from DATA into mailboxes. Every call blocks on disk, and so does
/// destruction: on the store pool only. A message that is given up leaves no file.
class Incoming {
 public:
  /// Touches no disk yet. `config` and `delivery` outlive this.
  Incoming(const cyrus::StoreConfig& config, const cyrus::Delivery& delivery, cyrus::IntakeOptions options);

  /// The next octets. After a failure the others are thrown away.
  void write(std::string_view octets);

  /// The message has ended: stages it.
  void finish();

  /// Why there is no message to deliver, and what the log should know of it; nullopt: there is one.
  const std::optional<lmtp::Refused>& refused() const { return refused_; }
  const std::string& failure() const { return failure_; }

  /// Tries each of `deliveries` that has no outcome. Those whose mailbox is locked get none. True when all have one:
  /// then the staged file is gone already.
  bool deliver(std::vector<Delivery>& deliveries);

  /// Whether a file on disk is left, which destruction removes.
  bool holds_file() const { return intake_ || message_; }

  /// For the log; empty before finish().
  const std::string& message_id() const { return message_id_; }

 private:
  bool begun();
  void fail(const base::Error& error);

  const cyrus::StoreConfig& config_;
  const cyrus::Delivery& delivery_;
  std::optional<cyrus::IntakeOptions> options_;  // until the intake begins
  std::optional<cyrus::MessageIntake> intake_;
  std::optional<cyrus::StagedMessage> message_;
  std::optional<lmtp::Refused> refused_;
  std::string failure_;
  std::string message_id_;
};

/// What a recipient is told of a failure of the store. `over_quota_always`: lmtp_over_quota_perm_failure.
lmtp::Refused refused_for(const base::Error& error, bool over_quota_always);

}  // namespace lmtpd
