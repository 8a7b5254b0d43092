#include "auth/sasl_client.hpp"

#include "auth/sasl_callback.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <utility>

using auth::as_callback;

SaslClient::SaslClient(std::string authcid, std::string authzid, const std::string& password)
    : authcid_(std::move(authcid)),
      authzid_(std::move(authzid)),
      secret_(sizeof(sasl_secret_t) + password.size()),
      callbacks_{{{SASL_CB_USER, as_callback(&SaslClient::give_name), this},
                  {SASL_CB_AUTHNAME, as_callback(&SaslClient::give_name), this},
                  {SASL_CB_PASS, as_callback(&SaslClient::give_password), this},
                  {SASL_CB_LIST_END, nullptr, nullptr}}} {
  const unsigned long size = password.size();
  std::memcpy(secret_.data() + offsetof(sasl_secret_t, len), &size, sizeof size);
  std::memcpy(secret_.data() + offsetof(sasl_secret_t, data), password.data(), password.size());
  EXPECT_EQ(::sasl_client_init(nullptr), SASL_OK);
  EXPECT_EQ(::sasl_client_new("pop", "test.example", nullptr, nullptr, callbacks_.data(), 0, &connection_), SASL_OK);
}

SaslClient::~SaslClient() {
  ::sasl_dispose(&connection_);
  ::sasl_client_done();
}

void SaslClient::bind_channel(std::string name, std::string data, bool critical) {
  binding_name_ = std::move(name);
  binding_data_ = std::move(data);
  binding_.name = binding_name_.c_str();
  binding_.critical = critical ? 1 : 0;
  binding_.data = reinterpret_cast<const unsigned char*>(binding_data_.data());
  binding_.len = binding_data_.size();
  EXPECT_EQ(::sasl_setprop(connection_, SASL_CHANNEL_BINDING, &binding_), SASL_OK);
}

void SaslClient::want_layer(unsigned least, unsigned most) {
  sasl_security_properties_t properties{};
  properties.min_ssf = least;
  properties.max_ssf = most;
  properties.maxbufsize = 4096;
  EXPECT_EQ(::sasl_setprop(connection_, SASL_SEC_PROPS, &properties), SASL_OK);
}

std::string SaslClient::wrap(std::string_view plain) {
  const char* out = nullptr;
  unsigned length = 0;
  EXPECT_EQ(::sasl_encode(connection_, plain.data(), static_cast<unsigned>(plain.size()), &out, &length), SASL_OK);
  return {out, length};
}

std::string SaslClient::unwrap(std::string_view arrived) {
  const char* out = nullptr;
  unsigned length = 0;
  EXPECT_EQ(::sasl_decode(connection_, arrived.data(), static_cast<unsigned>(arrived.size()), &out, &length), SASL_OK);
  return {out, length};
}

auth::Exchange::Outcome SaslClient::log_in(auth::Exchange& server, const std::string& mechanism) {
  const char* response = nullptr;
  unsigned length = 0;
  int code = ::sasl_client_start(connection_, mechanism.c_str(), nullptr, &response, &length, nullptr);
  std::optional<base::Secret> initial;
  if (response != nullptr) initial.emplace(std::string_view{response, length});
  auto outcome = server.start(mechanism, std::move(initial));
  while (outcome.challenge) {
    EXPECT_TRUE(code == SASL_CONTINUE || code == SASL_OK) << ::sasl_errdetail(connection_);
    code = ::sasl_client_step(connection_, outcome.challenge->data(), static_cast<unsigned>(outcome.challenge->size()),
                              nullptr, &response, &length);
    outcome = server.step(base::Secret{std::string_view{response != nullptr ? response : "", response ? length : 0}});
  }
  return outcome;
}

int SaslClient::give_name(void* self, int id, const char** result, unsigned* length) {
  const auto& client = *static_cast<SaslClient*>(self);
  const auto& name = id == SASL_CB_USER ? client.authzid_ : client.authcid_;
  *result = name.c_str();
  if (length != nullptr) *length = static_cast<unsigned>(name.size());
  return SASL_OK;
}

int SaslClient::give_password(sasl_conn_t*, void* self, int, sasl_secret_t** result) {
  *result = reinterpret_cast<sasl_secret_t*>(static_cast<SaslClient*>(self)->secret_.data());
  return SASL_OK;
}
