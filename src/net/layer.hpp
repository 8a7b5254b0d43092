#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace net {

/// What wraps the octets of a connection, both ways, from some moment on: a security layer of SASL (RFC 4422 s3.7).
/// Implementations do not block.
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  /// What to send for `plain`, which is not empty.
  virtual base::Result<std::string> wrap(std::string_view plain) = 0;
  /// What is complete of the octets that arrived, perhaps nothing; the rest is kept. An error ends the connection.
  virtual base::Result<std::string> unwrap(std::string_view arrived) = 0;
};

}  // namespace net
