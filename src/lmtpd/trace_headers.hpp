#pragma once

#include "lmtp/path.hpp"

#include <ctime>
#include <string>

namespace lmtpd {

/// What is told of one transfer.
struct Trace {
  lmtp::Path sender;
  std::string client_name;  ///< of LHLO; empty: it gave none
  std::string client;       ///< "host [address]"
  std::string server_name;
  std::string software;  ///< empty: not told
  std::string user;      ///< who logged in; empty: nobody
  std::string tls;       ///< "TLSv1.3 with cipher ...", empty: no TLS
  std::string id;        ///< of the transaction, an atom
  std::string date;      ///< as of rfc5322_date
  bool utf8 = false;     ///< SMTPUTF8 was asked for
};

/// Return-Path and Received, which the final delivery puts on top (RFC 5321 s4.4), with CRLF. They name no recipient:
/// one message file serves all of them. Pure. A sender without a domain gets ours, as Cyrus does.
std::string trace_headers(const Trace& trace);

/// "Fri, 27 Nov 2026 13:18:46 +0000" in local time (RFC 5322 s3.3), whatever the locale.
std::string rfc5322_date(std::time_t when);

}  // namespace lmtpd
