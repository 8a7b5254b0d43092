#pragma once

#include "auth/authenticator.hpp"
#include "auth/sasl_result.hpp"
#include "auth/sasl_settings.hpp"
#include "auth/user_name.hpp"

#include <sasl/sasl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace auth {

/// One sasl_conn_t with its callbacks. Only authenticator.cpp makes them.
class SaslExchange final : public Exchange {
 public:
  /// `local_domain` is what `virtdomains: on` adds to names; `settings` must outlive the object.
  /// Errors: invalid, io.
  static base::Result<std::unique_ptr<SaslExchange>> create(const SaslSettings& settings, const Channel& channel,
                                                            std::string local_domain);
  ~SaslExchange() override;
  SaslExchange(const SaslExchange&) = delete;
  SaslExchange& operator=(const SaslExchange&) = delete;

  Outcome start(std::string_view mechanism, std::optional<base::Secret> initial_response) override;
  Outcome step(base::Secret response) override;
  Outcome check_password(std::string_view user, base::Secret password) override;
  Outcome check_apop(std::string_view challenge, std::string_view user, std::string_view digest) override;
  bool has_layer() const override { return layer_piece_ > 0; }
  base::Result<std::string> wrap(std::string_view plain) override;
  base::Result<std::string> unwrap(std::string_view arrived) override;
  base::Result<bool> knows(std::string_view user) override;

  /// What the channel is offered, separated by blanks.
  std::string mechanisms();

  /// Asked by libsasl2's plug-in of stand_in.hpp, during a call, for each user; both answers take the same time. True:
  /// nobody knows this one, and a password that nobody knows shall stand in. The exchange is refused then, whatever
  /// comes.
  bool stand_in(bool is_known);

 private:
  SaslExchange(const SaslSettings& settings, const Channel& channel, std::string local_domain);
  base::Result<void> open();
  base::Result<void> describe_channel();
  int bind_channel();

  bool offers(std::string_view mechanism);
  std::optional<Outcome> object_to_scram(std::string_view message);
  Outcome conclude(int code, SaslCall call, const char* challenge, unsigned challenge_length);
  Outcome welcome(SaslCall call);
  Outcome refuse(int code, SaslCall call);
  Outcome refuse(Refusal::Kind kind, std::string reason);

  int on_canon_user(std::string_view typed, unsigned flags, char* out, unsigned room, unsigned* length);
  int on_proxy_policy(const std::string& user, const std::string& authenticated);
  void on_log(int level, const char* message);

  static int canon_user(sasl_conn_t*, void* self, const char* user, unsigned length, unsigned flags, const char* realm,
                        char* out, unsigned room, unsigned* out_length) noexcept;
  static int proxy_policy(sasl_conn_t*, void* self, const char* user, unsigned user_length, const char* authenticated,
                          unsigned authenticated_length, const char* realm, unsigned realm_length,
                          propctx* properties) noexcept;
  static int log_line(void* self, int level, const char* message) noexcept;

  const SaslSettings& settings_;
  const Channel channel_;
  NameRules names_;
  std::array<sasl_callback_t, 4> callbacks_;  // libsasl2 keeps a pointer to it
  sasl_channel_binding_t binding_{};          // so too
  sasl_conn_t* connection_ = nullptr;

  std::string mechanism_;  // of the exchange that is under way; empty before start and after the end
  bool used_ = false;
  bool scram_begins_ = false;  // the next response is SCRAM's first message
  bool plus_offered_ = false;
  bool hides_unknown_ = false;  // the call that runs is one where a password may stand in
  bool stood_in_ = false;       // one did: there is no such user
  std::string authenticated_;   // canonical authentication id, as far as it got known
  std::string user_;            // canonical authorisation id
  std::string subfolder_;
  std::string cause_;  // the first complaint in the log of this call
  bool saslauthd_trouble_ = false;
  std::size_t layer_piece_ = 0;  // octets that the layer wraps at a time; 0: no layer
};

}  // namespace auth
