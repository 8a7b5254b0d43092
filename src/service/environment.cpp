#include "service/environment.hpp"

#include "base/ascii.hpp"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

namespace service {
namespace {

using base::Errc;

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The name becomes part of file names (accept lock, shutdown file, telemetry) and of log lines.
bool is_usable_name(std::string_view name) {
  if (name.empty() || name.front() == '.') return false;
  for (const char c : name) {
    if (c == '/' || base::ascii::is_control(c)) return false;
  }
  return true;
}

}  // namespace

base::Result<Environment> read_environment() {
  const char* const name = std::getenv("CYRUS_SERVICE");
  if (name == nullptr) return base::fail(Errc::invalid, "could not getenv(CYRUS_SERVICE); exiting");
  const char* const id = std::getenv("CYRUS_ID");
  if (id == nullptr) return base::fail(Errc::invalid, "could not getenv(CYRUS_ID); exiting");
  if (!is_usable_name(name)) {
    return base::fail(Errc::invalid, "CYRUS_SERVICE: not a service name: " + std::string(name));
  }

  Environment environment;
  environment.name = name;
  const auto number = whole_number(id);
  if (!number || *number < 0) return base::fail(Errc::invalid, "CYRUS_ID: not a number: " + std::string(id));
  environment.id = *number;

  // Only a wish for more log lines: a bad value is no reason to refuse service.
  if (const char* const verbose = std::getenv("CYRUS_VERBOSE")) environment.verbose = whole_number(verbose).value_or(0);
  return environment;
}

}  // namespace service
