#include "auth/sasl_response.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace auth {
namespace {

constexpr std::size_t kMaxMechanismName = 20;
constexpr char kNul = '\0';

bool is_plain_message(std::string_view response) {
  const auto first = response.find(kNul);
  if (first == std::string_view::npos) return false;
  const auto second = response.find(kNul, first + 1);
  if (second == std::string_view::npos) return false;
  const auto user = response.substr(first + 1, second - first - 1);
  const auto password = response.substr(second + 1);
  return !user.empty() && !password.empty() && password.find(kNul) == std::string_view::npos;
}

}  // namespace

bool is_mechanism_name(std::string_view name) {
  const auto fits = [](char c) { return base::ascii::is_alnum(c) || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= kMaxMechanismName && std::all_of(name.begin(), name.end(), fits);
}

bool is_acceptable_response(std::string_view mechanism, std::string_view response) {
  if (base::ascii::equal_ignoring_case(mechanism, "PLAIN")) {
    return response.size() <= kMaxPasswordResponse && is_plain_message(response);
  }
  if (base::ascii::equal_ignoring_case(mechanism, "LOGIN")) {
    return !response.empty() && response.size() <= kMaxPasswordResponse &&
           response.find(kNul) == std::string_view::npos;
  }
  if (base::ascii::equal_ignoring_case(mechanism, "EXTERNAL")) {
    return response.size() <= kMaxPasswordResponse && response.find(kNul) == std::string_view::npos;
  }
  return response.size() <= kMaxResponse;
}

}  // namespace auth
