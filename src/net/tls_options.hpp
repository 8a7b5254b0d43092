#pragma once

#include <chrono>
#include <string>

namespace net {

/// Cyrus's bound; RFC 8446 s4.6.1 allows seven days.
inline constexpr std::chrono::hours kMaxSessionLifetime{24};

/// Whether clients are asked for a certificate.
enum class ClientCertificates { off, optional, require };

/// The server's side of TLS, as plain values; the option names of imapd.conf(5) they come from in brackets.
struct TlsOptions {
  /// PEM, certificate and chain [tls_server_cert]. Two names with a comma between are two pairs (RSA and ECDSA).
  std::string certificate_file;
  std::string key_file;  ///< PEM, without a passphrase; as many names [tls_server_key]
  /// Further pairs, shown to clients that ask for a name in them: `CERTIFICATE KEY, CERTIFICATE KEY` [tls_sni_certs].
  std::string named_certificates;
  std::string versions = "tls1_2 tls1_3";  ///< which of tls1_0 to tls1_3 stand somewhere in it [tls_versions]
  std::string ciphers = "DEFAULT";         ///< TLS 1.2 and older; before 1.2 it needs @SECLEVEL=0 [tls_ciphers]
  std::string curve = "prime256v1";        ///< a group or several with `:` between; "" for OpenSSL's [tls_eccurve]
  bool prefer_server_ciphers = false;      ///< [tls_prefer_server_ciphers]
  /// What a client that offers ALPN must offer (RFC 7301); "": ALPN is not looked at.
  std::string protocol = "pop3";

  /// Without an authority to verify them nobody is asked, and `require` is an error [tls_client_certs].
  ClientCertificates client_certificates = ClientCertificates::off;
  std::string client_ca_file;  ///< PEM [tls_client_ca_file]
  std::string client_ca_dir;   ///< files named by hash, as `openssl rehash` makes them [tls_client_ca_dir]
  /// PEM. Then a client's certificate needs a list of its issuer, one that is not too old [tls_crl_file].
  std::string crl_file;

  /// How long a session can be resumed; at most kMaxSessionLifetime counts, 0 is never [tls_session_timeout].
  std::chrono::seconds session_lifetime{24 * 3600};
  /// Where the processes of a service share their ticket keys; "": this process has its own.
  std::string ticket_key_file;

  /// How often the files are looked at for a change; 0 is never [tls_watch_interval].
  std::chrono::seconds watch_interval{10};
};

}  // namespace net
