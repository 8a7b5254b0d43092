#include "net/tls_context.hpp"

#include "net_support.hpp"
#include "tls_session.hpp"

#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>

namespace net {
namespace {

class TlsContextTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = files.folder / name;
    std::ofstream(path) << text;
    return path;
  }
  static std::string error_of(const TlsOptions& options) {
    const auto context = TlsContext::create(options);
    return context ? "none" : context.error().text;
  }

  testing::KeyFiles files;
  testing::KeyFiles others;
};

TEST_F(TlsContextTest, LoadsAMatchingPair) { EXPECT_EQ(error_of(files.options()), "none"); }

TEST_F(TlsContextTest, NamesOptionAndFileWhenOneIsMissing) {
  auto options = files.options();
  options.certificate_file = "/nonexistent/x.pem";
  const auto context = TlsContext::create(options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().text, "tls_server_cert: /nonexistent/x.pem: No such file or directory");
  EXPECT_EQ(context.error().code, base::Errc::not_found);
  options = files.options();
  options.key_file = files.folder / "no.pem";
  EXPECT_EQ(error_of(options), "tls_server_key: " + options.key_file + ": No such file or directory");
}

TEST_F(TlsContextTest, RefusesFilesThatHoldNothing) {
  auto options = files.options();
  options.certificate_file = write("empty", "");
  EXPECT_EQ(error_of(options), "tls_server_cert: " + options.certificate_file + ": no certificate in it");
  options = files.options();
  options.key_file = files.certificate;
  EXPECT_EQ(error_of(options), "tls_server_key: " + options.key_file + ": no private key in it");
  options.key_file = files.folder;
  EXPECT_EQ(error_of(options), "tls_server_key: " + options.key_file + ": not a regular file");
}

TEST_F(TlsContextTest, RefusesTruncatedFiles) {
  std::ifstream in(files.certificate);
  const std::string pem((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (std::size_t size = 30; size + 20 < pem.size(); size += 37) {
    auto options = files.options();
    options.certificate_file = write("cut.pem", pem.substr(0, size));
    EXPECT_EQ(error_of(options).find("tls_server_cert: "), 0U) << size;
    options.certificate_file = write("cut-chain.pem", pem + pem.substr(0, size));
    EXPECT_EQ(error_of(options).find("tls_server_cert: "), 0U) << size;
  }
}

TEST_F(TlsContextTest, RefusesAKeyThatBelongsToAnotherCertificate) {
  auto options = files.options();
  options.key_file = others.key;
  EXPECT_EQ(error_of(options),
            "tls_server_key: " + others.key + ": does not belong to the certificate in " + files.certificate);
}

TEST_F(TlsContextTest, AsksNobodyForThePassphraseOfAnEncryptedKey) {
  auto options = files.options();
  options.key_file = write("locked.pem",
                           "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                           "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
                           "-----END EC PRIVATE KEY-----\n");
  EXPECT_EQ(error_of(options).find("tls_server_key: " + options.key_file), 0U);
}

TEST_F(TlsContextTest, LoadsTwoPairsWithACommaBetween) {
  auto options = files.options();
  options.certificate_file = files.certificate + ", " + others.certificate;
  EXPECT_EQ(error_of(options), "tls_server_key: " + files.key + ": not as many files as in tls_server_cert");
  options.key_file = files.key + "," + others.key;
  EXPECT_EQ(error_of(options), "none");
}

TEST_F(TlsContextTest, TakesTheVersionsThatStandSomewhereInTheText) {
  struct Case {
    const char* text;
    long lowest;
    long highest;
    std::uint64_t off;
  };
  for (const Case& c : {Case{"tls1_2 tls1_3", TLS1_2_VERSION, TLS1_3_VERSION, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1},
                        Case{"tls1_3", TLS1_3_VERSION, TLS1_3_VERSION, SSL_OP_NO_TLSv1_2},
                        Case{"tls1_0,tls1_2", TLS1_VERSION, TLS1_2_VERSION, SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3}}) {
    auto options = files.options();
    options.versions = c.text;
    const auto context = TlsContext::create(options);
    ASSERT_TRUE(context) << context.error().text;
    SSL_CTX* const native = (*context)->native();
    EXPECT_EQ(SSL_CTX_get_min_proto_version(native), c.lowest) << c.text;
    EXPECT_EQ(SSL_CTX_get_max_proto_version(native), c.highest) << c.text;
    EXPECT_EQ(SSL_CTX_get_options(native) & c.off, c.off) << c.text;
  }
}

TEST_F(TlsContextTest, TheOrderOfCiphersIsOursWhenToldSo) {
  auto options = files.options();
  for (const bool ours : {true, false}) {
    options.prefer_server_ciphers = ours;
    const auto context = TlsContext::create(options);
    ASSERT_TRUE(context) << context.error().text;
    EXPECT_EQ((SSL_CTX_get_options((*context)->native()) & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0, ours);
  }
}

TEST_F(TlsContextTest, OnlyTheCiphersAndGroupsOfTheFileAreSpoken) {
  auto options = files.options();
  options.versions = "tls1_2";
  options.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  options.curve = "prime256v1";
  const auto context = TlsContext::create(options);
  ASSERT_TRUE(context) << context.error().text;
  const auto answered = [&](const char* ciphers, const char* groups) {
    const auto prepare = [&](testing::TlsClient& client) {
      EXPECT_EQ(SSL_set_cipher_list(client.ssl(), ciphers), 1);
      EXPECT_EQ(SSL_set1_groups_list(client.ssl(), groups), 1);
    };
    return testing::serve_one(**context, prepare).answered;
  };
  EXPECT_TRUE(answered("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", "X25519:prime256v1"));
  EXPECT_FALSE(answered("ECDHE-ECDSA-AES128-GCM-SHA256", "prime256v1"));
  EXPECT_FALSE(answered("ECDHE-ECDSA-AES256-GCM-SHA384", "X25519"));
}

TEST_F(TlsContextTest, RefusesOptionsThatNameNothing) {
  auto options = files.options();
  options.versions = "ssl3";
  EXPECT_EQ(error_of(options), "tls_versions: ssl3: names no TLS version");
  options = files.options();
  options.ciphers = "NO-SUCH-CIPHER";
  EXPECT_EQ(error_of(options), "tls_ciphers: NO-SUCH-CIPHER: no cipher match");
  options = files.options();
  options.curve = "no-such-curve";
  EXPECT_EQ(error_of(options), "tls_eccurve: no-such-curve: no such group");
}

TEST_F(TlsContextTest, AllowsNeitherRenegotiationNorCompressionNorEarlyData) {
  const auto context = files.context();
  const auto options = SSL_CTX_get_options(context->native());
  EXPECT_NE(options & SSL_OP_NO_RENEGOTIATION, 0U);
  EXPECT_NE(options & SSL_OP_NO_COMPRESSION, 0U);
  EXPECT_EQ(SSL_CTX_get_max_early_data(context->native()), 0U);
}

}  // namespace
}  // namespace net
