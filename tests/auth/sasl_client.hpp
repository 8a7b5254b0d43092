#pragma once

#include "auth/authenticator.hpp"

#include <sasl/sasl.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

/// The client side of a SASL exchange, as libsasl2 speaks it: a peer that is not ours.
class SaslClient {
 public:
  SaslClient(std::string authcid, std::string authzid, const std::string& password);
  ~SaslClient();
  SaslClient(const SaslClient&) = delete;
  SaslClient& operator=(const SaslClient&) = delete;

  /// Asks for a channel binding of that name, with `data`; with `critical` only a -PLUS mechanism will do.
  void bind_channel(std::string name, std::string data, bool critical);
  /// Asks for a security layer of that many bits at least and at most.
  void want_layer(unsigned least, unsigned most);
  std::string wrap(std::string_view plain);
  std::string unwrap(std::string_view arrived);

  /// Goes through the whole exchange; an initial response is sent when the mechanism has one.
  auth::Exchange::Outcome log_in(auth::Exchange& server, const std::string& mechanism);

 private:
  static int give_name(void* self, int id, const char** result, unsigned* length);
  static int give_password(sasl_conn_t*, void* self, int id, sasl_secret_t** result);

  std::string authcid_;
  std::string authzid_;
  std::vector<unsigned char> secret_;  // holds a sasl_secret_t
  std::array<sasl_callback_t, 4> callbacks_;
  std::string binding_name_;
  std::string binding_data_;
  sasl_channel_binding_t binding_{};
  sasl_conn_t* connection_ = nullptr;
};
