#include "net/tls_channel.hpp"

#include "net_support.hpp"
#include "tls_session.hpp"

#include <array>
#include <string>

namespace net {
namespace {

using testing::serve_one;
using testing::TlsClient;

std::string finished_of_client(TlsClient& tls) {
  std::array<char, 64> octets{};
  return std::string(octets.data(), SSL_get_finished(tls.ssl(), octets.data(), octets.size()));
}

std::string exported(TlsClient& tls) {
  std::string octets(32, '\0');
  EXPECT_EQ(SSL_export_keying_material(tls.ssl(), reinterpret_cast<unsigned char*>(octets.data()), octets.size(),
                                       "EXPORTER-Channel-Binding", 24, nullptr, 0, 0),
            1);
  return octets;
}

TEST(TlsChannel, BindsToTheExporterOverTls13) {  // RFC 9266 s2
  const testing::KeyFiles files;
  const auto context = files.context();
  std::string clients_view;
  const auto inspect = [&](TlsClient& tls) { clients_view = exported(tls); };
  const auto first = serve_one(*context, {}, inspect, TLS1_3_VERSION);
  ASSERT_TRUE(first.info);
  EXPECT_EQ(first.info->binding.type, "tls-exporter");
  EXPECT_EQ(first.info->binding.data, clients_view);
  const auto second = serve_one(*context, {}, {}, TLS1_3_VERSION);
  EXPECT_NE(second.info->binding.data, first.info->binding.data);
}

TEST(TlsChannel, BindsToTheClientsFinishedOverTls12) {  // RFC 5929 s3
  const testing::KeyFiles files;
  const auto context = files.context();
  std::string clients_view;
  const auto inspect = [&](TlsClient& tls) { clients_view = finished_of_client(tls); };
  const auto session = serve_one(*context, {}, inspect, TLS1_2_VERSION);
  ASSERT_TRUE(session.info);
  EXPECT_EQ(session.info->binding.type, "tls-unique");
  EXPECT_NE(session.info->binding.data, "");
  EXPECT_EQ(session.info->binding.data, clients_view);
}

TEST(TlsChannel, BindsToNothingWithoutTheExtendedMasterSecret) {  // RFC 7627 s1
  const testing::KeyFiles files;
  const auto context = files.context();
  const auto session = serve_one(
      *context, [](TlsClient& tls) { SSL_set_options(tls.ssl(), SSL_OP_NO_EXTENDED_MASTER_SECRET); }, {},
      TLS1_2_VERSION);
  ASSERT_TRUE(session.info);
  EXPECT_EQ(session.info->binding.type, "");
  EXPECT_EQ(session.info->binding.data, "");
}

TEST(TlsChannel, TellsWhatAlpnAgreedOn) {
  const testing::KeyFiles files;
  const auto context = files.context();
  EXPECT_EQ(serve_one(*context).info->protocol, "");
  const auto session = serve_one(*context, [](TlsClient& tls) { tls.offer_protocols({4, 'p', 'o', 'p', '3'}); });
  EXPECT_EQ(session.info->protocol, "pop3");
}

TEST(TlsChannel, LooksAtNoProtocolWhenThereIsNone) {
  const testing::KeyFiles files;
  auto options = files.options();
  options.protocol.clear();
  const auto context = TlsContext::create(options);
  const auto session = serve_one(**context, [](TlsClient& tls) { tls.offer_protocols({2, 'h', '2'}); });
  ASSERT_TRUE(session.info) << session.error;
  EXPECT_EQ(session.info->protocol, "");
}

}  // namespace
}  // namespace net
