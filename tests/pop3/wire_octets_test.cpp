// What LIST promises is what RETR sends (RFC 1939 s5, s11): the counter of the store and the encoder of the session.

#include "maildrop/wire_octets.hpp"

#include "pop3/body_encoder.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace pop3 {
namespace {

RC_GTEST_PROP(WireOctets, AgreeWithTheEncoder, ()) {
  const auto octet = rc::gen::element('a', '.', '\r', '\n', '\0', ' ', '\x80');
  const auto text = *rc::gen::container<std::string>(octet);
  maildrop::WireOctets octets;
  octets.add(text);
  BodyEncoder encoder;
  std::string sent;
  encoder.encode(text, sent);
  encoder.finish(sent);
  RC_ASSERT(octets.octets() == encoder.octets());
}

}  // namespace
}  // namespace pop3
