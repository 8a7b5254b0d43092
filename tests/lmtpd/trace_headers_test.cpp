#include "lmtpd/trace_headers.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace lmtpd {
namespace {

Trace plain() {
  Trace trace;
  trace.sender = lmtp::parse_path("<a@b.example>")->path;
  trace.client_name = "mx.example";
  trace.client = "localhost [127.0.0.1]";
  trace.server_name = "mail.example";
  trace.software = "Pillarbox-1";
  trace.id = "17-3-1-99-1";
  trace.date = "Fri, 27 Nov 2026 13:18:46 +0000";
  return trace;
}

TEST(TraceHeaders, SayWhereTheMessageCameFrom) {  // RFC 5321 s4.4
  EXPECT_EQ(trace_headers(plain()),
            "Return-Path: <a@b.example>\r\n"
            "Received: from mx.example (localhost [127.0.0.1])\r\n"
            "\tby mail.example (Pillarbox-1) with LMTP id 17-3-1-99-1;\r\n"
            "\tFri, 27 Nov 2026 13:18:46 +0000\r\n");
}

TEST(TraceHeaders, TellLoginTlsAndSmtputf8) {  // RFC 3848, RFC 6531 s4.3
  Trace trace = plain();
  trace.user = "postman";
  trace.tls = "TLSv1.3 with cipher X";
  trace.utf8 = true;
  trace.software.clear();
  EXPECT_NE(trace_headers(trace).find("(localhost [127.0.0.1])\r\n\t(authenticated user=postman)\r\n"
                                      "\tby mail.example with UTF8LMTPSA id 17-3-1-99-1\r\n"
                                      "\t(TLSv1.3 with cipher X);\r\n"),
            std::string::npos);
}

TEST(TraceHeaders, TheReturnPathIsWhatMailSaid) {  // RFC 5321 s4.4
  Trace trace = plain();
  trace.sender = {};
  EXPECT_TRUE(trace_headers(trace).starts_with("Return-Path: <>\r\n"));
  trace.sender = lmtp::parse_path("<bounce>")->path;
  EXPECT_TRUE(trace_headers(trace).starts_with("Return-Path: <bounce@mail.example>\r\n"));
  trace.sender = lmtp::parse_path("<\"a b\"@x>")->path;
  EXPECT_TRUE(trace_headers(trace).starts_with("Return-Path: <\"a b\"@x>\r\n"));
}

TEST(TraceHeaders, AClientCannotWriteHeadersOfItsOwn) {
  Trace trace = plain();
  trace.client_name = "evil\r\nX-Spam: no (\xFF";
  const std::string text = trace_headers(trace);
  EXPECT_NE(text.find("from evilXXX-Spam:XnoXXX (localhost"), std::string::npos);
}

TEST(TraceHeaders, DatesAreOfLocalTime) {  // RFC 5322 s3.3
  ::setenv("TZ", "XXX-05:30", 1);
  ::tzset();
  EXPECT_EQ(rfc5322_date(1795785526), "Fri, 27 Nov 2026 18:48:46 +0530");
  ::setenv("TZ", "YYY+03:00", 1);
  ::tzset();
  EXPECT_EQ(rfc5322_date(1795785526), "Fri, 27 Nov 2026 10:18:46 -0300");
  ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace lmtpd
